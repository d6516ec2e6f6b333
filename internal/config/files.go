package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/cluster"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// maxFile bounds every file that is read: a mistaken name must not fill the
// memory.
const maxFile = 1 << 20

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	return data, nil
}

// reason is err without the name of the file, which the fault shows already.
func reason(err error) string {
	var in *fs.PathError
	if errors.As(err, &in) {
		return in.Err.Error()
	}
	return err.Error()
}

// resolve completes the names of files, dir being the directory of relative
// ones, and reads those whose content counts here.
func (c *Config) resolve(dir string) Errors {
	var faults Errors
	if f := c.Capture.File; f != "" {
		c.Capture.File = below(dir, f)
		if info, err := os.Stat(filepath.Dir(c.Capture.File)); err != nil || !info.IsDir() {
			faults = append(faults, newFault("capture.file", f, "its directory does not exist"))
		}
	}
	for path, name := range map[string]*string{
		"broker.ca_file":    &c.Broker.CAFile,
		"finesse.ca_file":   &c.Finesse.CAFile,
		"recording.ca_file": &c.Recording.CAFile,
	} {
		if *name == "" {
			continue
		}
		given := *name
		*name = below(dir, given)
		data, err := readFile(*name)
		if err != nil {
			faults = append(faults, newFault(path, given, "cannot be read: "+reason(err)))
		} else if !x509.NewCertPool().AppendCertsFromPEM(data) {
			faults = append(faults, newFault(path, given, "holds no certificate"))
		}
	}
	faults = append(faults, c.resolvePassword(dir, "broker", &c.Broker.PasswordFile, &c.Broker.Password)...)
	faults = append(faults, c.resolvePassword(dir, "finesse.admin", &c.Finesse.Admin.PasswordFile, &c.Finesse.Admin.Password)...)
	faults = append(faults, c.resolveKey(dir)...)
	return append(faults, c.Messages.resolveSentences(dir)...)
}

// resolveKey reads the key of the cluster.
func (c *Config) resolveKey(dir string) Errors {
	const path = "cluster.key_file"
	given := c.Cluster.KeyFile
	if given == "" {
		return nil
	}
	c.Cluster.KeyFile = credential(dir, given)
	data, err := readFile(c.Cluster.KeyFile)
	switch {
	case err != nil:
		return Errors{newFault(path, given, "cannot be read: "+reason(err))}
	case len(strings.TrimSpace(string(data))) < cluster.MinKey:
		return Errors{newFault(path, given, fmt.Sprintf("has fewer than %d bytes", cluster.MinKey))}
	}
	c.Cluster.Key = gc.NewSecret(strings.TrimSpace(string(data)))
	c.warnIfOpen(c.Cluster.KeyFile)
	return nil
}

// resolvePassword reads the password_file of a section into its password.
func (c *Config) resolvePassword(dir, section string, file *string, secret *gc.Secret) Errors {
	path, given := section+".password_file", *file
	if given == "" {
		return nil
	}
	if secret.Reveal() != "" {
		return Errors{newFault(section+".password", nil, "is set together with "+path)}
	}
	*file = credential(dir, given)
	data, err := readFile(*file)
	if err != nil {
		return Errors{newFault(path, given, "cannot be read: "+reason(err))}
	}
	password := strings.TrimRight(string(data), "\r\n")
	if password == "" {
		return Errors{newFault(path, given, "is empty")}
	}
	*secret = gc.NewSecret(password)
	c.warnIfOpen(*file)
	return nil
}

// credential is the systemd credential of that name when there is one, see
// LoadCredential= in systemd.exec(5), else the file.
func credential(dir, name string) string {
	if credentials := os.Getenv("CREDENTIALS_DIRECTORY"); credentials != "" && !filepath.IsAbs(name) {
		path := filepath.Join(credentials, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return below(dir, name)
}

func below(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}
