package ops

import (
	"encoding/json"
	"net"
	"net/http"

	"go.uber.org/zap"
)

// Switch is something that can be switched off and on.
type Switch interface {
	On() bool
	Switch(on bool) (possible bool)
	File() string // the file it writes to while it is on, "" for none
}

// maxAsked is larger than any request to switch.
const maxAsked = 1 << 10

// switchCapture switches recording on or off: {"on": true}. It is only for
// programs on this machine, even if others may read the metrics.
func switchCapture(w http.ResponseWriter, r *http.Request, s Switch, log *zap.Logger) {
	if !fromHere(r) {
		http.Error(w, "only from this machine", http.StatusForbidden)
		return
	}
	// A web page could make a browser on this machine send anything but JSON.
	if r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "send application/json", http.StatusUnsupportedMediaType)
		return
	}
	var want struct {
		On *bool `json:"on"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAsked))
	d.DisallowUnknownFields()
	if err := d.Decode(&want); err != nil || want.On == nil {
		http.Error(w, `send {"on": true} or {"on": false}`, http.StatusBadRequest)
		return
	}
	if !s.Switch(*want.On) {
		http.Error(w, "capture.file is not set: set it and reload the configuration", http.StatusConflict)
		return
	}
	log.Info("recording switched over HTTP", zap.Bool("on", *want.On), zap.String("file", s.File()))
	reportCapture(w, s)
}

func reportCapture(w http.ResponseWriter, s Switch) {
	writeJSON(w, true, struct {
		On   bool   `json:"on"`
		File string `json:"file,omitempty"`
	}{s.On(), s.File()})
}

func fromHere(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}
