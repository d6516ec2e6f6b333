package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/exchange"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// controlTimeout is how long a simulator may take to let a client in, and to
// answer it.
const controlTimeout = 10 * time.Second

// PlaceCall asks the simulator behind a control URL for an inbound call, as
// Call does within the process. It waits for the answer at most 10 seconds.
func PlaceCall(ctx context.Context, controlURL string, agent gc.AgentID, c Call) (gc.DialogID, error) {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	answer, err := post(ctx, controlURL, "call", order{Agent: agent, From: c.From, To: c.To, Variables: c.Variables})
	if err != nil {
		return "", fmt.Errorf("place a call: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	return readPlaced(answer)
}

func readPlaced(answer *http.Response) (gc.DialogID, error) {
	var placed struct {
		Dialog gc.DialogID `json:"dialog"`
		Error  string      `json:"error"`
	}
	err := json.NewDecoder(io.LimitReader(answer.Body, maxBody)).Decode(&placed)
	switch {
	case err != nil:
		return "", fmt.Errorf("place a call: the answer %s is not a simulator's: %w", answer.Status, err)
	case placed.Error != "":
		return "", errors.New("place a call: " + placed.Error)
	}
	return placed.Dialog, nil
}

// post sends an order to a control page.
func post(ctx context.Context, controlURL, name string, o any) (*http.Response, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(controlURL, "/")+"/api/"+name, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := exchange.NewTransport(exchange.Options{Timeout: controlTimeout}).RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("%w; is the simulator running with a control address?", err)
	}
	return answer, nil
}

// RunScript has the simulator behind a control URL play a script, as Run does
// within the process, and reports each step when it is taken. It blocks until
// the script ends; the end of ctx ends the script, too.
func RunScript(ctx context.Context, controlURL string, script *Script, agents []gc.AgentID, tell func(line int, step string)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(maxWait+time.Minute, func() { cancel(errSilent) }) // no step takes longer
	defer silence.Stop()
	answer, err := post(ctx, controlURL, "run", runOrder{script.Name, script.Text, agents})
	if err != nil {
		return fmt.Errorf("run a script: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	for lines := json.NewDecoder(io.LimitReader(answer.Body, maxProgress)); ; {
		var p progress
		switch err := lines.Decode(&p); {
		case err != nil && ctx.Err() != nil:
			return fmt.Errorf("run a script: %w", context.Cause(ctx))
		case err != nil:
			return fmt.Errorf("run a script: the simulator ended, or its answer %s is not a simulator's: %w", answer.Status, err)
		case p.Error != "":
			return errors.New(p.Error)
		case p.Done:
			return nil
		}
		silence.Reset(maxWait + time.Minute)
		tell(p.Line, p.Step)
	}
}

// maxProgress bounds what a simulator reports of one script, in bytes.
const maxProgress = 16 << 20

var errSilent = errors.New("the simulator reports nothing any more")
