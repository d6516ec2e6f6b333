package bridge

import "github.com/finesse-connector/finesse-connector/internal/broker"

// HandleWith is Handle for a delivery that no broker made.
func (b *Bridge) HandleWith(d *broker.Delivery, acknowledge func()) { b.handle(d, acknowledge) }
