package ops

import (
	"bytes"
	"encoding/json"
	"io"
	stdlog "log"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func logTo(t *testing.T, level, format string) (*zap.Logger, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	least, err := zap.ParseAtomicLevel(level)
	require.NoError(t, err)
	log, err := newLogger(least, format, zapcore.AddSync(&out))
	require.NoError(t, err)
	return log, &out
}

func TestJSONLinesHaveTimeLevelAndFields(t *testing.T) {
	log, out := logTo(t, "info", "json")
	log.Error("broker lost", zap.String("broker", "tcp://a:1"), zap.Duration("took", 1500*time.Millisecond))

	var line map[string]string
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	_, err := time.Parse("2006-01-02T15:04:05.000Z0700", line["time"])
	require.NoError(t, err)
	delete(line, "time")
	require.Equal(t, map[string]string{"level": "error", "msg": "broker lost", "broker": "tcp://a:1", "took": "1.5s"}, line)
}

func TestConsoleLinesAreForPeople(t *testing.T) {
	log, out := logTo(t, "info", "console")
	log.Info("broker found", zap.String("broker", "tcp://a:1"))
	require.Regexp(t, `^\S+\tINFO\tbroker found\t{"broker": "tcp://a:1"}\n$`, out.String())
}

func TestLinesBelowTheLevelAreNotWritten(t *testing.T) {
	log, out := logTo(t, "warn", "json")
	log.Info("quiet")
	require.Empty(t, out.String())
	log.Warn("loud")
	require.NotEmpty(t, out.String())
}

func TestNoLineIsSampledAway(t *testing.T) {
	log, out := logTo(t, "info", "json")
	for range 1000 {
		log.Info("same")
	}
	require.Equal(t, 1000, bytes.Count(out.Bytes(), []byte("\n")))
}

func TestSecretsStayHiddenInLines(t *testing.T) {
	log, out := logTo(t, "debug", "json")
	secret := gc.NewSecret("hunter2")
	log.Debug("careless", zap.Any("secret", secret), zap.Reflect("in", struct{ S gc.Secret }{secret}), zap.Stringer("text", secret))
	require.Contains(t, out.String(), "[redacted]")
	require.NotContains(t, out.String(), "hunter2")
}

func TestTheLevelCanChange(t *testing.T) {
	level := zap.NewAtomicLevelAt(zap.ErrorLevel)
	log, err := Logger(level, "console")
	require.NoError(t, err)
	require.False(t, log.Core().Enabled(zap.WarnLevel))
	level.SetLevel(zap.DebugLevel)
	require.True(t, log.Core().Enabled(zap.DebugLevel))
}

func TestAnUnknownFormatIsAnError(t *testing.T) {
	_, err := Logger(zap.InfoLevel, "xml")
	require.EqualError(t, err, `log format "xml" is neither json nor console`)
}

func TestLibrariesDoNotWriteBesideTheLog(t *testing.T) {
	before := stdlog.Writer()
	t.Cleanup(func() { stdlog.SetOutput(before) })
	_, closing, err := ServiceLogger(zap.InfoLevel, "json")
	require.NoError(t, err)
	defer closing()
	require.Equal(t, io.Discard, stdlog.Writer())
}
