package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/ops"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

const defaultControl = "127.0.0.1:8113"

// Where the second node of a simulator listens, unless something else does.
const (
	secondREST   = "127.0.0.1:8446"
	secondNotify = "127.0.0.1:5224"
)

type simulateFlags struct {
	options                   simulator.Options
	passwordFile, certificate string
	maxDelay                  time.Duration
	second, asJSON, verbose   bool
}

func newSimulate() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Runs a simulated Finesse",
		Long: `Runs a simulated Finesse, REST with TLS and notification service, until a signal:
for driver developers without Cisco hardware. Calls are placed from its control
page or with "` + program + ` simulate call"; whole conversations, supervisors,
campaigns and faults are played by scripts, see "` + program + ` simulate scripts".

Standard output gets the part of a configuration that uses it. The certificate
is new at each start: start the connector after the simulator.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return simulate(cmd.Context(), cmd, f) },
	}
	flags, o := cmd.Flags(), &f.options
	flags.StringVar(&o.REST, "rest", "127.0.0.1:8445", "the `ADDRESS` of the REST interface")
	flags.StringVar(&o.Notify, "notify", "127.0.0.1:5223", "the `ADDRESS` of the notification service")
	flags.StringVar(&o.Control, "control", defaultControl, "the `ADDRESS` of the control page, which asks for no password; empty for none")
	flags.StringVar(&o.Domain, "domain", "finesse.local", "the `DOMAIN` of agents' JIDs")
	flags.BoolVar(&f.second, "second", false, "run a second node, at "+secondREST+" and "+secondNotify+" or free ports, so that failover can be played")
	flags.StringVar(&f.passwordFile, "password-file", "", "a `FILE` with the password of every agent (default the password "+demoPassword+")")
	flags.BoolVar(&o.SSO, "sso", false, "let agents in by single sign-on: the password is an access token such as "+demoPassword+":1001:1")
	flags.DurationVar(&o.TokenLifetime, "token-lifetime", 0, "with --sso, after how long each agent needs a token with the next number; 0 for never")
	flags.StringVar(&f.certificate, "ca-out", "finesse-simulator.pem", "the `FILE` to write the certificate to that clients have to trust")
	flags.StringVar((*string)(&o.Certificate), "certificate", string(simulator.UsualCertificate),
		"the `KIND` of certificate: usual, common-name, expired, other-name, or clients, who have to show one")
	flags.DurationVar(&f.maxDelay, "max-delay", 300*time.Millisecond, "how late answers and the steps of a call may be; 0 for not at all")
	flags.DurationVar(&o.RingTimeout, "ring-timeout", 20*time.Second, "how long a phone rings")
	flags.StringVar((*string)(&o.WrapUp), "wrap-up", string(simulator.WrapUpNotAllowed), "the `MODE` of wrap-up after inbound calls: NOT_ALLOWED, OPTIONAL or REQUIRED")
	flags.DurationVar(&o.WrapUpTimer, "wrap-up-timer", 2*time.Hour, "how long wrap-up may last")
	flags.BoolVar(&o.AnyCase, "any-case", false, "let ids and login names be spelled in any case, as UCCX does")
	flags.IntVar(&o.Agents, "agents", 0, "the `NUMBER` of further agents for load tests, from 10001 on")
	flags.BoolVar(&f.asJSON, "json", false, "print one JSON object instead")
	flags.BoolVar(&f.verbose, "verbose", false, "log what happens to standard error")
	cmd.AddCommand(newSimulateCall(), newSimulateRun(), newSimulateScripts())
	return cmd
}

func simulate(ctx context.Context, cmd *cobra.Command, f simulateFlags) error {
	if err := f.complete(); err != nil {
		return err
	}
	s, err := simulator.Start(f.options)
	if err != nil {
		return explainListen(err, "with --rest, --notify or --control")
	}
	defer s.Close()
	ca, err := filepath.Abs(f.certificate)
	if err == nil {
		err = os.WriteFile(ca, s.CertificatePEM(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the certificate: %w; name another file with --ca-out", err)
	}
	if f.asJSON {
		err = writeJSON(cmd.OutOrStdout(), describe(s, ca))
	} else {
		f.introduce(cmd.ErrOrStderr(), s)
		err = writeSnippet(cmd.OutOrStdout(), s, ca)
	}
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// complete fills in options whose flags differ from the simulator's form.
func (f *simulateFlags) complete() (err error) {
	if f.maxDelay < 0 {
		return usagef("--max-delay %s is negative", f.maxDelay)
	}
	if f.options.Agents < 0 {
		return usagef("--agents %d is negative", f.options.Agents)
	}
	if f.options.RingTimeout <= 0 {
		return usagef("--ring-timeout %s: name a time such as 20s", f.options.RingTimeout)
	}
	if f.options.TokenLifetime < 0 || f.options.TokenLifetime > 0 && !f.options.SSO {
		return usagef("--token-lifetime %s: name a time such as 1h, and --sso", f.options.TokenLifetime)
	}
	f.options.MinDelay = min(10*time.Millisecond, f.maxDelay)
	f.options.MaxDelay = max(f.maxDelay, simulator.NoDelay)
	if f.second {
		f.options.SecondREST, f.options.SecondNotify = freeOr(secondREST), freeOr(secondNotify)
	}
	if f.passwordFile != "" {
		if f.options.Password, err = readPassword(f.passwordFile); err != nil {
			return err
		}
	}
	if f.verbose {
		f.options.Logger, err = ops.Logger(zap.DebugLevel, "console")
	}
	return err
}

// simulated is what programs read about a running simulator.
type simulated struct {
	REST    string         `json:"rest"`
	Notify  string         `json:"notify"`
	Control string         `json:"control"`
	Domain  string         `json:"domain"`
	Second  *simulatedNode `json:"second,omitempty"`
	CAFile  string         `json:"caFile"`
	Agents  []gc.AgentID   `json:"agents"`
}

// simulatedNode is the second node of a simulator.
type simulatedNode struct {
	REST   string `json:"rest"`
	Notify string `json:"notify"`
	Domain string `json:"domain"`
}

func describe(s *simulator.Simulator, ca string) simulated {
	d := simulated{REST: s.RESTURL(), Notify: s.NotifyURL(), Control: s.ControlURL(), Domain: s.Domain(), CAFile: ca}
	for _, n := range s.Nodes()[1:] {
		d.Second = &simulatedNode{n.RESTURL(), n.NotifyURL(), n.Domain()}
	}
	for _, a := range s.Agents() {
		d.Agents = append(d.Agents, a.ID)
	}
	return d
}

// simulatedUsers are the users of every simulator.
const simulatedUsers = "agents 1001 to 1025, supervisors 2001 to 2003, administrator admin"

// introduce describes the simulator to a person.
func (f *simulateFlags) introduce(w io.Writer, s *simulator.Simulator) {
	password := "is that of " + f.passwordFile
	if f.passwordFile == "" {
		password = demoPassword
	}
	fmt.Fprintf(w, "simulated finesse runs until Ctrl-C\n")
	fmt.Fprintf(w, "  %s; password %s; any extension of four digits\n", simulatedUsers, password)
	if n := f.options.Agents; n > 0 {
		fmt.Fprintf(w, "  agents 10001 to %d for load tests, at the extension of their own number\n", 10000+n)
	}
	if s.ControlURL() != "" {
		fmt.Fprintf(w, "  control page %s\n", s.ControlURL())
		fmt.Fprintf(w, "  place a call: %s simulate call 1001 --control %s\n", program, s.ControlURL())
		fmt.Fprintf(w, "  play a script: %s simulate run inbound-call --control %s\n", program, s.ControlURL())
		if f.second {
			fmt.Fprintf(w, "  stop the first node during a call: %s simulate run failover --control %s\n", program, s.ControlURL())
		}
	}
	fmt.Fprintf(w, "for the configuration of the connector:\n")
}

func writeSnippet(w io.Writer, s *simulator.Simulator, ca string) error {
	var nodes strings.Builder
	for _, n := range s.Nodes() {
		fmt.Fprintf(&nodes, "    - rest: %s\n      notify: %s\n", n.RESTURL(), n.NotifyURL())
	}
	_, err := fmt.Fprintf(w, "finesse:\n  nodes:\n%s  ca_file: %q\n", nodes.String(), ca)
	return err
}
