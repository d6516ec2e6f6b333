package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
)

const secret = "hunter2-canary"

func TestAPasswordFileIsRead(t *testing.T) {
	for rule, content := range map[string]string{
		"without a line end":       secret,
		"with a line end":          secret + "\n",
		"with the line end of DOS": secret + "\r\n",
	} {
		t.Run(rule, func(t *testing.T) {
			path := write(t, "config.yaml", nodes+"broker: {password_file: password}")
			file := filepath.Join(filepath.Dir(path), "password")
			require.NoError(t, os.WriteFile(file, []byte(content), 0o600))

			c, err := config.Load(path)
			require.NoError(t, err)
			require.Equal(t, secret, c.Broker.Password.Reveal())
			require.Empty(t, c.Warnings)
			requireHidden(t, secret, c)
		})
	}
}

func TestBlanksOfAPasswordFileCount(t *testing.T) {
	file := write(t, "password", " a b \n")
	c := load(t, nodes+"broker: {password_file: "+file+"}")
	require.Equal(t, " a b ", c.Broker.Password.Reveal())
}

func TestASystemdCredentialComesBeforeAFile(t *testing.T) {
	path := write(t, "config.yaml", nodes+"broker: {password_file: broker-password}")
	beside := filepath.Join(filepath.Dir(path), "broker-password")
	require.NoError(t, os.WriteFile(beside, []byte("beside"), 0o600))
	credential := write(t, "broker-password", "credential")

	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(credential))
	c, err := config.Load(path)
	require.NoError(t, err)
	require.Equal(t, "credential", c.Broker.Password.Reveal())

	require.NoError(t, os.Remove(credential))
	c, err = config.Load(path)
	require.NoError(t, err)
	require.Equal(t, "beside", c.Broker.Password.Reveal())
}

func TestAPasswordThatEverybodyCanReadIsWarnedOf(t *testing.T) {
	file := write(t, "password", secret)
	require.NoError(t, os.Chmod(file, 0o644))
	c := load(t, nodes+"broker: {password_file: "+file+"}")
	require.Equal(t, []string{file + " holds a password and every user of this host can read it; run chmod o-r on it"}, c.Warnings)

	path := write(t, "config.yaml", nodes+"broker: {password: "+secret+"}")
	require.NoError(t, os.Chmod(path, 0o644))
	c, err := config.Load(path)
	require.NoError(t, err)
	require.Equal(t, []string{path + " holds a password and every user of this host can read it; run chmod o-r on it"}, c.Warnings)
	requireHidden(t, secret, c)
}

// What holds for the broker's password holds for the administrator's.
func TestAnAdministratorsPasswordIsOneLikeTheBrokers(t *testing.T) {
	file := write(t, "admin", secret+"\n")
	c := load(t, nodes+"  admin: {username: boss, password_file: "+file+"}")
	require.Equal(t, secret, c.Finesse.Admin.Password.Reveal())
	require.Equal(t, file, c.Finesse.Admin.PasswordFile)
	require.Empty(t, c.Broker.Password.Reveal())
	requireHidden(t, secret, c)

	require.NoError(t, os.Chmod(file, 0o644))
	c = load(t, nodes+"  admin: {username: boss, password_file: "+file+"}")
	require.Equal(t, []string{file + " holds a password and every user of this host can read it; run chmod o-r on it"}, c.Warnings)

	path := write(t, "config.yaml", nodes+"  admin: {username: boss, password: "+secret+"}")
	require.NoError(t, os.Chmod(path, 0o644))
	c, err := config.Load(path)
	require.NoError(t, err)
	require.Equal(t, []string{path + " holds a password and every user of this host can read it; run chmod o-r on it"}, c.Warnings)
	requireHidden(t, secret, c)

	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(file))
	c = load(t, nodes+"  admin: {username: boss, password_file: admin}")
	require.Equal(t, secret, c.Finesse.Admin.Password.Reveal())
}

func TestAFormatForPasswordIsNoPassword(t *testing.T) {
	path := write(t, "config.yaml", nodes+"messages: {formats: {password: json}}")
	require.NoError(t, os.Chmod(path, 0o644))
	c, err := config.Load(path)
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
}

func TestPasswordsOnATopicAreWarnedOf(t *testing.T) {
	c := load(t, nodes+"broker: {sync_topic: Sync}\ncluster: {plaintext: true}")
	require.Equal(t, []string{
		"cluster.plaintext is set: whoever can read the topic Sync learns the password of each agent that signs in; let only connectors read it",
	}, c.Warnings)
}

func TestUncheckedCertificatesAreWarnedOf(t *testing.T) {
	require.Len(t, load(t, nodes+"  insecure_skip_verify: true").Warnings, 1)
}

func TestWrongPasswordSettingsAreFaults(t *testing.T) {
	for rule, test := range map[string]struct{ broker, path string }{
		"one of password and password_file": {"{password: a, password_file: " + write(t, "password", "b") + "}", "broker.password"},
		"the file exists":                   {"{password_file: none}", "broker.password_file"},
		"the file is not empty":             {"{password_file: " + write(t, "password", "\n") + "}", "broker.password_file"},
		"the file is a file":                {"{password_file: /}", "broker.password_file"},
		"digits are in quotes":              {"{password: 123456}", "broker.password"},
	} {
		t.Run(rule, func(t *testing.T) {
			got := faults(t, nodes+"broker: "+test.broker)
			require.Len(t, got, 1, got.Error())
			require.Equal(t, test.path, got[0].Path)
			require.NotContains(t, got.Error(), "123456")

			got = faults(t, nodes+"  admin: {username: boss, "+test.broker[1:])
			require.Equal(t, strings.Replace(test.path, "broker", "finesse.admin", 1), got[0].Path)
			require.NotContains(t, got.Error(), "123456")
		})
	}
}

// Wherever a password may have slipped to, no fault shows it.
func TestFaultsShowNoPassword(t *testing.T) {
	for place, file := range map[string]string{
		"under a misspelt key":        "broker: {pasword: " + secret + "}",
		"as an alias":                 "broker: {password: *" + secret + "}",
		"with a wrong tag":            "broker: {password: !!int " + secret + "}",
		"in a placeholder":            "broker: {password: {{" + secret + "}}}",
		"as a map":                    "broker: {password: {" + secret + ": a}}",
		"as a list":                   "broker: {password: [" + secret + "]}",
		"as a section":                "broker: " + secret,
		"as the whole file":           secret,
		"in a broker's address":       "broker: {urls: [\"tcp://gc:" + secret + "@a:1\"]}",
		"in a broken address":         "broker: {urls: [\"gc:" + secret + "@a:%zz\"]}",
		"in a node's address":         "finesse: {nodes: [{rest: \"https://gc:" + secret + "@a\", notify: \"xmpp://gc:" + secret + "@a:1\"}]}",
		"in a key of a later version": "cluster: {take_back: \"https://a/?key=" + secret + "\"}",
		"in a recorder's query":       "recording: {pause_url: \"ftp://a/?key=" + secret + "\"}",
		"beside another recorder":     "recording: {pause_url: \"https://a/?key=" + secret + "\"}",
		"in a recorder's address":     "recording: {pause_url: \"https://gc:" + secret + "@a/\", resume_url: \"https://gc:" + secret + "@a:%zz/?" + secret + "\"}",
		"of an administrator":         "finesse: {admin: {password: {" + secret + ": a}, username: \"a:b\"}}",
		"of nobody":                   "finesse: {admin: {password: " + secret + "}}",
		"beside another fault":        "broker: {password: " + secret + ", heartbeat: 1}",
	} {
		t.Run(place, func(t *testing.T) {
			got := faults(t, file)
			require.NotContains(t, got.Error(), secret)
			requireHidden(t, secret, got)
		})
	}
}
