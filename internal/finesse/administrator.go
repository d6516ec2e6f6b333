package finesse

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Administrator asks a node in the name of the site's administrator. A password
// that Finesse refused is not tried again: five wrong ones lock the account.
type Administrator struct {
	Client      *Client
	Credentials Credentials // without an agent: there is none

	refused atomic.Bool
}

// AllUsers reads the users of the site. NOT_CONFIGURED without an
// administrator.
func (a *Administrator) AllUsers(ctx context.Context) ([]gc.TeamUser, error) {
	const op = "finesse.AllUsers"
	switch {
	case a.Credentials.Agent == "":
		return nil, gc.Errorf(gc.NotConfigured, op, "finesse.admin is not set")
	case a.refused.Load():
		return nil, gc.Errorf(gc.GeneralError, op, "finesse refused finesse.admin before: correct it and restart the connector")
	}
	users, err := a.Client.AllUsers(ctx, a.Credentials)
	a.refused.Store(errors.Is(err, ErrNotAdministrator))
	return users, err
}
