package ops

import (
	"fmt"
	"io"
	stdlog "log"
	"os"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Logger writes what level enables to standard error; a zap.AtomicLevel can
// change while it runs. Formats are json (for programs) and console (for
// people). No line is sampled away. The caller may Sync it before exit.
func Logger(level zapcore.LevelEnabler, format string) (*zap.Logger, error) {
	return newLogger(level, format, zapcore.Lock(os.Stderr))
}

// ServiceLogger returns a Logger for a process that must not stop working when
// nobody takes the lines from standard error; see lineWriter. The caller calls
// closing before exit; it writes what waits, for a second at most.
//
// From then on, what libraries write through package log is dropped: net/http
// would log what a server sends unasked, which may be anything, and wait for
// standard error to take it.
func ServiceLogger(level zapcore.LevelEnabler, format string) (log *zap.Logger, closing func(), err error) {
	encoder, err := newEncoder(format)
	if err != nil {
		return nil, nil, err
	}
	stdlog.SetOutput(io.Discard)
	out := newLineWriter(os.Stderr, func(lost int64) []byte { return lossLine(encoder, lost) })
	return zap.New(zapcore.NewCore(encoder, out, level), zap.ErrorOutput(out)), out.close, nil
}

func newLogger(level zapcore.LevelEnabler, format string, out zapcore.WriteSyncer) (*zap.Logger, error) {
	encoder, err := newEncoder(format)
	if err != nil {
		return nil, err
	}
	return zap.New(zapcore.NewCore(encoder, out, level), zap.ErrorOutput(out)), nil
}

func newEncoder(format string) (zapcore.Encoder, error) {
	encoding := zap.NewProductionEncoderConfig()
	encoding.TimeKey = "time"
	encoding.EncodeTime = zapcore.ISO8601TimeEncoder
	encoding.EncodeDuration = zapcore.StringDurationEncoder
	switch format {
	case "json":
		return zapcore.NewJSONEncoder(encoding), nil
	case "console":
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		return zapcore.NewConsoleEncoder(encoding), nil
	default:
		return nil, fmt.Errorf("log format %q is neither json nor console", format)
	}
}

// lossLine returns the line that stands for those that could not be written.
func lossLine(encoder zapcore.Encoder, lost int64) []byte {
	entry := zapcore.Entry{Level: zap.WarnLevel, Time: time.Now(), Message: "lines of the log are missing here: standard error was full, or nobody read it"}
	line, err := encoder.Clone().EncodeEntry(entry, []zap.Field{zap.Int64("lines", lost)})
	if err != nil {
		return nil // an integer can always be encoded
	}
	return line.Bytes()
}
