package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

func TestChangesTellWhatNeedsARestart(t *testing.T) {
	for rule, x := range map[string]struct {
		change        func(*config.Config)
		live, restart []string
	}{
		"nothing changed":               {func(*config.Config) {}, nil, nil},
		"the log's level is live":       {func(c *config.Config) { c.Log.Level = "debug" }, []string{"log.level"}, nil},
		"formats are live":              {func(c *config.Config) { c.Messages.Formats = wire.FormatRules{"*": wire.JSON} }, []string{"messages.formats"}, nil},
		"the way of participants is":    {func(c *config.Config) { c.Messages.Participants = wire.Short }, []string{"messages.participants"}, nil},
		"the time zone is live":         {func(c *config.Config) { c.Messages.TimeZone = time.UTC }, []string{"messages.time_zone"}, nil},
		"a broker needs a restart":      {func(c *config.Config) { c.Broker.URLs = nil }, nil, []string{"broker.urls"}},
		"a password needs a restart":    {func(c *config.Config) { c.Broker.Password = gc.NewSecret("new") }, nil, []string{"broker.password"}},
		"the same password is the same": {func(c *config.Config) { c.Broker.Password = gc.NewSecret("old") }, nil, nil},
		"the status bar is live":        {func(c *config.Config) { c.Messages.StatusBar = true }, []string{"messages.status_bar"}, nil},
		"old events are live":           {func(c *config.Config) { c.Messages.Deprecated = true }, []string{"messages.deprecated"}, nil},
		"another file of sentences":     {func(c *config.Config) { c.Messages.StatusBarFile = "a" }, []string{"messages.status_bar_file"}, nil},
		"the same file, other words":    {func(c *config.Config) { c.Messages.Sentences["State#READY"] = "a" }, []string{"messages.status_bar_file"}, nil},
		"an administrator's password":   {func(c *config.Config) { c.Finesse.Admin.Password = gc.NewSecret("a") }, nil, []string{"finesse.admin.password"}},
		"a recorder needs a restart":    {func(c *config.Config) { c.Recording.PauseURL = "a" }, nil, []string{"recording.pause_url"}},
		"plain text needs a restart":    {func(c *config.Config) { c.Cluster.Plaintext = true }, nil, []string{"cluster.plaintext"}},
		"both":                          {func(c *config.Config) { c.Agents.Limit, c.HTTP.Listen = 7, "" }, []string{"agents.limit"}, []string{"http.listen"}},
	} {
		t.Run(rule, func(t *testing.T) {
			old, new := config.Default(), config.Default()
			old.Broker.Password, new.Broker.Password = gc.NewSecret("old"), gc.NewSecret("old")
			x.change(new)
			live, restart := config.Changes(old, new)
			require.Equal(t, x.live, live)
			require.Equal(t, x.restart, restart)
		})
	}
}
