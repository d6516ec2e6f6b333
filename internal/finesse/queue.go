package finesse

import (
	"context"
	"encoding/xml"
	"errors"
	"net/url"
	"slices"
	"strconv"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Queues reads the queues assigned to the agent (UCCE only: elsewhere it is
// GENERAL_ERROR). A queue the list has no statistics for is asked for by
// itself, one after the other; where Finesse refuses that, its numbers are -1.
func (c *Client) Queues(ctx context.Context, who Credentials) ([]gc.Queue, error) {
	r := aboutUser(methodQueues, who, "/Queues")
	r.missing = gc.GeneralError // on UCCX the queues are, not the user
	elements, err := fetch(ctx, c, r, (*queuesElement).elements)
	if err != nil {
		return nil, err
	}
	queues := make([]gc.Queue, 0, len(elements))
	for _, e := range elements {
		if id := lastSegment(e.URI); e.Statistics == nil && id != "" {
			one, err := c.queue(ctx, who, id)
			if endsList(err) {
				return nil, err
			}
			e.Statistics = one.Statistics
		}
		queues = append(queues, e.queue())
	}
	return queues, nil
}

// endsList reports whether the next queue would be answered like this one.
func endsList(err error) bool {
	return errors.Is(err, ErrPasswordRefused) ||
		err != nil && slices.Contains([]gc.Code{gc.NotReachable, gc.Down, gc.FinesseUnavailable}, gc.CodeOf(err))
}

// queue reads one queue. Any user may; a refusal is GENERAL_ERROR.
func (c *Client) queue(ctx context.Context, who Credentials, id string) (queueElement, error) {
	r := aboutOthers(methodQueue, who, "/Queue/"+url.PathEscape(id))
	return fetch(ctx, c, r, alone(func(e *queueElement) (queueElement, error) { return *e, nil }))
}

type (
	queuesElement struct {
		XMLName xml.Name       `xml:"queues"`
		Queues  []queueElement `xml:"queue"`
	}

	queueElement struct {
		XMLName    xml.Name           `xml:"queue"`
		URI        text               `xml:"uri"`
		Name       text               `xml:"name"`
		Statistics *statisticsElement `xml:"statistics"` // nil where there are none
	}

	statisticsElement struct {
		CallsInQueue     text `xml:"callsinqueue"`
		LongestCallStart text `xml:"starttimeoflongestcallinqueue"`
		Ready            text `xml:"agentsready"`
		NotReady         text `xml:"agentsnotready"`
		TalkingInbound   text `xml:"agentstalkinginbound"`
		TalkingOutbound  text `xml:"agentstalkingoutbound"`
		TalkingInternal  text `xml:"agentstalkinginternal"`
		WrapUpNotReady   text `xml:"agentswrapupnotready"`
		WrapUpReady      text `xml:"agentswrapupready"`
	}
)

func (e *queuesElement) elements(*Omissions) ([]queueElement, error) { return e.Queues, nil }

func (e *queueElement) queue() gc.Queue {
	s := e.Statistics
	if s == nil {
		s = &statisticsElement{}
	}
	return gc.Queue{
		Name:                  string(e.Name),
		AgentsNotReady:        number(s.NotReady),
		AgentsReady:           number(s.Ready),
		AgentsTalkingInbound:  number(s.TalkingInbound),
		AgentsTalkingInternal: number(s.TalkingInternal),
		AgentsTalkingOutbound: number(s.TalkingOutbound),
		AgentsWrapUpNotReady:  number(s.WrapUpNotReady),
		AgentsWrapUpReady:     number(s.WrapUpReady),
		CallsInQueue:          number(s.CallsInQueue),
		LongestCallStart:      parseTime(s.LongestCallStart),
	}
}

// number is -1, as Finesse writes it, where there is none.
func number(t text) int {
	n, err := strconv.ParseInt(string(t), 10, 32)
	if err != nil || n < 0 {
		return -1
	}
	return int(n)
}
