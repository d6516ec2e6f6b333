package broker

import (
	"bytes"
	"encoding/json"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logbook keeps what was logged, as it would be written.
type logbook struct {
	*zap.Logger
	mu   sync.Mutex
	book bytes.Buffer
}

func newLog() *logbook {
	l := &logbook{}
	l.Logger = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), l, zap.DebugLevel))
	return l
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.book.Write(p)
}

// Sync implements zapcore.WriteSyncer.
func (l *logbook) Sync() error { return nil }

func (l *logbook) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.book.String()
}

type line struct{ Level, Msg, Connection string }

func (l *logbook) lines() (all []line) {
	for d := json.NewDecoder(bytes.NewBufferString(l.text())); d.More(); {
		var one line
		if err := d.Decode(&one); err != nil {
			panic(err)
		}
		all = append(all, one)
	}
	return all
}

// count returns how often message was logged for a connection.
func (l *logbook) count(message, connection string) (n int) {
	for _, one := range l.lines() {
		if one.Msg == message && one.Connection == connection {
			n++
		}
	}
	return n
}
