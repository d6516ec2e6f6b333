package ops

import (
	"fmt"
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Logger writes what level enables to standard error; a zap.AtomicLevel can
// change while it runs. Formats are json (for programs) and console (for
// people). No line is sampled away. The caller may Sync it before exit.
func Logger(level zapcore.LevelEnabler, format string) (*zap.Logger, error) {
	return newLogger(level, format, zapcore.Lock(os.Stderr))
}

func newLogger(level zapcore.LevelEnabler, format string, out zapcore.WriteSyncer) (*zap.Logger, error) {
	encoding := zap.NewProductionEncoderConfig()
	encoding.TimeKey = "time"
	encoding.EncodeTime = zapcore.ISO8601TimeEncoder
	encoding.EncodeDuration = zapcore.StringDurationEncoder
	var encoder zapcore.Encoder
	switch format {
	case "json":
		encoder = zapcore.NewJSONEncoder(encoding)
	case "console":
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(encoding)
	default:
		return nil, fmt.Errorf("log format %q is neither json nor console", format)
	}
	return zap.New(zapcore.NewCore(encoder, out, level), zap.ErrorOutput(out)), nil
}
