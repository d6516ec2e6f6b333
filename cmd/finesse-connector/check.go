package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	checks "github.com/finesse-connector/finesse-connector/internal/check"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

type checkFlags struct {
	config, agent, passwordFile string
	sso, asJSON                 bool
}

func newCheck() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Checks the configuration and tries broker and Finesse",
		Long: `Checks the configuration, then tries every broker and, of each Finesse node, the
certificate, the REST interface and the notification service. With --agent it
also signs in to both with an agent's password, which is tried once and not
again if it is refused. The agent's state does not change, but name one that
nobody works with: Finesse watches the presence of agents. Whether agents sign in
with access tokens (SSO), passwords (NON_SSO) or some with each (HYBRID) is shown
as systemAuthMode.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return check(cmd.Context(), cmd, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", defaultConfig, "the configuration `FILE`")
	flags.StringVar(&f.agent, "agent", "", "the `ID` of an agent to sign in with")
	flags.StringVar(&f.passwordFile, "password-file", "", "a `FILE` with that agent's password")
	flags.BoolVar(&f.sso, "sso", false, "what the password file holds is an access token of single sign-on")
	flags.BoolVar(&f.asJSON, "json", false, "print results as JSON, one object a line")
	return cmd
}

func check(ctx context.Context, cmd *cobra.Command, f checkFlags) error {
	who, err := f.credentials()
	if err != nil {
		return err
	}
	c, err := loadConfig(f.config)
	if err != nil {
		return err
	}
	for _, w := range c.Warnings {
		cmd.PrintErrf("%s: warning: %s\n", program, w)
	}
	out := cmd.OutOrStdout()
	screen := screenOf(out)
	count, failed := 0, 0
	var broken error // of the output
	checks.Run(ctx, c, who, func(r checks.Result) {
		count++
		if !r.OK {
			failed++
		}
		if f.asJSON {
			err = writeJSON(out, r)
		} else {
			_, err = fmt.Fprintln(out, resultLine(screen, r))
		}
		if broken == nil {
			broken = err
		}
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case failed > 0:
		return fmt.Errorf("%d of %d checks failed", failed, count)
	}
	return broken
}

func (f *checkFlags) credentials() (*finesse.Credentials, error) {
	if f.agent == "" && f.passwordFile == "" && !f.sso {
		return nil, nil
	}
	if f.agent == "" || f.passwordFile == "" {
		return nil, usagef("--agent and --password-file belong together; give both")
	}
	agent, err := gc.ParseAgentID(f.agent)
	if err != nil {
		return nil, usagef("--agent %q: %w", f.agent, err)
	}
	password, err := readPassword(f.passwordFile)
	if err == nil && f.sso {
		if password, err = gc.NewToken(password.Reveal()); err != nil {
			err = usagef("--password-file %s: %w", f.passwordFile, err)
		}
	}
	if err != nil {
		return nil, err
	}
	return &finesse.Credentials{Agent: agent, Password: password}, nil
}

func resultLine(s screen, r checks.Result) string {
	verdict := s.paint(green, "ok    ")
	if !r.OK {
		verdict = s.paint(red, "failed")
	}
	parts := []string{fmt.Sprintf("%s  %s %s: %s", verdict, r.What, r.Target, printable(r.Detail))}
	if r.Next != "" {
		parts = append(parts, "next: "+r.Next)
	}
	return strings.Join(parts, "; ")
}
