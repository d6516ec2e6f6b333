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

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// PlaceCall asks the simulator behind a control URL for an inbound call, as
// Call does within the process. It waits for the answer at most 10 seconds.
func PlaceCall(ctx context.Context, controlURL string, agent gc.AgentID, c Call) (gc.DialogID, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body, err := json.Marshal(order{Agent: agent, From: c.From, To: c.To, Variables: c.Variables})
	if err != nil {
		return "", fmt.Errorf("place a call: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(controlURL, "/")+"/api/call", bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("place a call: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{DisableKeepAlives: true} // no proxy: the simulator is near
	answer, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return "", fmt.Errorf("place a call: %w; is the simulator running with a control address?", err)
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
