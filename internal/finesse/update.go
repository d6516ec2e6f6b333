package finesse

import (
	"encoding/xml"
	"fmt"
	"strings"
)

type updateElement struct {
	XMLName   xml.Name `xml:"update"`
	Event     text     `xml:"event"`
	RequestID text     `xml:"requestid"`
	Source    text     `xml:"source"`
	Data      struct {
		User       *userElement       `xml:"user"`
		Dialogs    *dialogsElement    `xml:"dialogs"`
		Dialog     *dialogElement     `xml:"dialog"`
		APIErrors  *apiErrorsElement  `xml:"apierrors"`
		SystemInfo *systemInfoElement `xml:"systeminfo"`
	} `xml:"data"`
}

// ParseUpdate reads the document inside a notification (Finesse developer
// guide, "Finesse notifications"). Joining and leaving dialogs come as
// dialogs/Dialog, changes as dialog; both fill Dialogs. An update about
// something this package does not know is no error and has nothing set. Of several
// dialogs those that cannot be read are left out; an update of which nothing is left
// is an error.
func ParseUpdate(doc []byte) (Update, error) {
	if len(doc) > maxUpdateBytes {
		return Update{}, fmt.Errorf("update: %w", errTooLarge)
	}
	var e updateElement
	omitted, err := decode(doc, &e)
	if err != nil {
		return Update{}, fmt.Errorf("update: %w", err)
	}
	u, err := e.update(omitted)
	if err != nil {
		return Update{}, fmt.Errorf("update: %w", err)
	}
	return u, nil
}

func (e *updateElement) update(omitted Omissions) (Update, error) {
	u := Update{
		Omitted:   omitted,
		Event:     Event(strings.ToUpper(string(e.Event))),
		RequestID: RequestID(e.RequestID),
		Source:    string(e.Source),
	}
	var err error
	switch data := &e.Data; {
	case data.APIErrors != nil:
		u.Error = data.APIErrors.apiError()
	case data.User != nil:
		var user User
		user, err = data.User.user()
		u.User = &user
	case data.Dialogs != nil:
		u.Dialogs, err = data.Dialogs.dialogs(&u.Omitted)
	case data.Dialog != nil:
		u.Dialogs, err = (&dialogsElement{Dialogs: []dialogElement{*data.Dialog}}).dialogs(&u.Omitted)
	case data.SystemInfo != nil:
		var info SystemInfo
		info, err = data.SystemInfo.systemInfo(&u.Omitted)
		u.SystemInfo = &info
	}
	if err == nil && u.Omitted.Elements > 0 && len(u.Dialogs) == 0 {
		err = u.Omitted.Why
	}
	return u, err
}
