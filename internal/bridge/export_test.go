package bridge

import (
	"time"

	"github.com/finesse-connector/finesse-connector/internal/broker"
)

// HandleWith is Handle for a delivery that no broker made, of which none says
// that it has the acknowledgement.
func (b *Bridge) HandleWith(d *broker.Delivery, acknowledge func()) {
	b.intake.handle(d, func(func()) { acknowledge() })
}

// HandleThen is Handle for a delivery that no broker made.
func (b *Bridge) HandleThen(d *broker.Delivery, acknowledge func(gone func())) {
	b.intake.handle(d, acknowledge)
}

// Lines is lines.
type Lines struct{ lines }

// Take is take.
func (l *Lines) Take(now time.Time) (room, first bool) { return l.take(now) }
