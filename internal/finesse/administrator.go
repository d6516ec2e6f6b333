package finesse

import (
	"context"
	"errors"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Administrator asks a node in the name of the site's administrator. A password
// that Finesse refused is not tried again: five wrong ones lock the account.
//
// One asks at a time: more would put the same wrong password, and hold the list
// of all users several times.
type Administrator struct {
	client      *Client
	credentials Credentials
	turn        chan struct{} // has an element while somebody asks; guards refused
	refused     bool
}

// adminPatience is as long as ten lists may take by default.
const adminPatience = 50 * time.Second

// NewAdministrator makes one; without an agent in the credentials there is none.
func NewAdministrator(c *Client, who Credentials) *Administrator {
	return &Administrator{client: c, credentials: who, turn: make(chan struct{}, 1)}
}

// AllUsers reads the users of the site. NOT_CONFIGURED without an
// administrator. It waits for its turn for adminPatience at most.
func (a *Administrator) AllUsers(ctx context.Context) ([]gc.TeamUser, error) {
	const op = "finesse.AllUsers"
	if a.credentials.Agent == "" {
		return nil, gc.Errorf(gc.NotConfigured, op, "finesse.admin is not set")
	}
	late := time.NewTimer(adminPatience)
	defer late.Stop()
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-late.C:
		return nil, gc.Errorf(gc.GeneralError, op, "too many ask for all users")
	case <-ctx.Done():
		return nil, &gc.Error{Code: gc.Down, Op: op, Err: ctx.Err()}
	}
	if a.refused {
		return nil, gc.Errorf(gc.GeneralError, op, "finesse refused finesse.admin before: correct it and restart the connector")
	}
	users, err := a.client.AllUsers(ctx, a.credentials)
	a.refused = errors.Is(err, ErrNotAdministrator)
	return users, err
}
