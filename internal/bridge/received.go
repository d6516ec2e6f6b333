package bridge

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/directory"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// received is a command and what the log and the metrics show of it.
type received struct {
	*session.Request
	journal *journal
	capture Capture
	name    string
	start   time.Time
	log     *zap.Logger
	bytes   int              // of its body
	holder  *directory.Agent // that has the command, or is about to
}

func (r *received) isConnect() bool { return r.Spec != nil && r.Spec.Name == gc.Connect }

func (r *received) carriesPassword() bool { return r.Refusal == nil && r.Spec.HasPassword() }

// claims is where a command wants its agent to work, "" for nowhere.
func (r *received) claims() gc.Destination {
	switch {
	case r.Refusal != nil:
		return ""
	case r.isConnect():
		return r.Destination
	case r.Spec.SignsIn():
		return r.ReplyTo
	}
	return ""
}

// ended ends a command that a session took.
func (r *received) ended(err error) {
	if err == nil && r.holder.Works() {
		r.done(err, &r.journal.done)
	} else {
		r.done(err, &r.journal.refusals)
	}
}

// done ends a command, and says so among the lines.
func (r *received) done(err error, among *lines) {
	r.capture.Concluded(r.Agent, string(r.ID))
	took, result := time.Since(r.start), resultOf(err)
	r.journal.commands.WithLabelValues(r.name, result).Inc()
	r.journal.took.Observe(took.Seconds())
	message, reason := "command done", zap.Skip()
	if err != nil {
		message, reason = "command failed", zap.String("reason", string(gc.ReasonOf(err)))
	}
	r.journal.sayAmong(among, r.log, zap.InfoLevel, message, zap.String("result", result), reason, zap.Duration("took", took), zap.Error(err))
}

func (in *intake) receive(c gc.Command, d *broker.Delivery, refusal error, acknowledge func()) *received {
	name := "unknown"
	if c.Spec != nil {
		name = string(c.Spec.Name)
	}
	id := finesse.NewRequestID()
	r := &received{journal: in.journal, capture: in.capture, name: name, start: time.Now(), bytes: d.Size}
	r.log = in.journal.With(zap.String("req", string(id)), zap.String("cmd", name), zap.String("agent", string(c.Agent)))
	r.Request = &session.Request{
		Command:       c,
		Type:          typeOf(c, d),
		Text:          textOf(c.Spec, d, refusal),
		ID:            id,
		CorrelationID: d.CorrelationID,
		Refusal:       refusal,
		Finished: func(err error) {
			in.directory.Count(r.holder, -1)
			r.ended(err)
		},
	}
	acknowledge = sync.OnceFunc(acknowledge)
	r.Acknowledge = func() {
		in.unproved.settled(r.Request)
		in.unconfirmed.settled(r.Request)
		acknowledge()
	}
	if d.ReplyTo != "" {
		to, err := gc.ParseReplyTo(d.ReplyTo)
		if err == nil {
			err = in.settings.Load().permits(to)
		}
		switch {
		case err != nil:
			in.journal.say(r.log, zap.WarnLevel, "reply-to of a command cannot be used", zap.Error(err))
		case in.directory.Admit(to, time.Now()):
			r.ReplyTo = to
		default:
			in.journal.say(r.log, zap.WarnLevel, "too many new reply-tos; nothing is sent to this one")
		}
	}
	if r.isConnect() && r.ReplyTo == "" && in.directory.Knows(r.Destination, time.Now()) {
		r.ReplyTo = r.Destination // what fails is reported there; a name that nobody has heard of may be a password
	}
	r.Format = string(in.formatAsked(r.log, d.Format))
	r.log.Debug("command received", token("message", d.MessageID), token("correlation", d.CorrelationID), zap.Bool("redelivered", d.Redelivered))
	return r
}

// typeOf is a command's type as sent, for the events that repeat it; "" for one
// that may be anything.
func typeOf(c gc.Command, d *broker.Delivery) string {
	if c.Spec == nil || c.Agent == "" && c.Destination == "" {
		return ""
	}
	return d.Type
}

// textOf is a command's parameters, unless they hold a password. Those of a
// command that is refused may be anything, also very long.
func textOf(spec *gc.CommandSpec, d *broker.Delivery, refusal error) string {
	if refusal != nil || spec.HasPassword() {
		return ""
	}
	return d.Body
}

// formatAsked is the format that a client asks for, "" for none.
func (in *intake) formatAsked(log *zap.Logger, asked string) wire.Format {
	if asked == "" {
		return ""
	}
	f, err := wire.ParseFormat(asked)
	if err != nil {
		in.journal.say(log, zap.WarnLevel, "client asks for a format there is not; it gets its former or the configured one", zap.Any("formats", wire.Formats))
	}
	return f
}
