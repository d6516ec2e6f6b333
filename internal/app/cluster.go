package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/cluster"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/ops"
)

// ErrLost says that another connector has become the owner of the command queue while this
// one could not hear the broker. What it knows is old.
var ErrLost = errors.New("the broker was not heard for too long, and gave the command queue to another connector")

// newCluster makes the connector one among others, where that is configured.
func newCluster(c *config.Config, log *zap.Logger) (*cluster.Cluster, error) {
	if c.Cluster.Name == "" {
		return nil, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("cluster: the name of this host: %w", err)
	}
	every, lease := broker.Beats(c.Broker.Heartbeat)
	return cluster.New(cluster.Options{
		Name: c.Cluster.Name, Key: c.Cluster.Key, Host: host, Version: version(), Priority: c.Broker.ConsumerPriority,
		Every: every, Lease: lease, Logger: log.Named("cluster"),
	})
}

// sharing is how the broker has the connectors share the command queue, nil where this one
// is alone.
func (a *App) sharing(topic string) *broker.Sharing {
	if a.cluster == nil {
		return nil
	}
	return &broker.Sharing{
		Topic: topic, Beat: a.cluster.Beat, Heard: a.cluster.Heard, Judge: a.cluster.Judge,
		Changed: func(owner bool) {
			if owner {
				a.log.Info("this connector is the owner of the command queue")
			} else {
				a.log.Warn("this connector is not the owner of the command queue any more")
			}
		},
	}
}

// lost is closed when another connector has taken over; nil where there is none.
func (a *App) lost() <-chan struct{} {
	if a.cluster == nil {
		return nil
	}
	return a.cluster.Lost()
}

// ownsWithin is how long a request that changes something at Finesse waits for the broker:
// as long as a driver waits for its answer, and no call is made that nobody expects any more.
const ownsWithin = 20 * time.Second

// before is what each request that changes something at Finesse waits for.
func (a *App) before() func(context.Context) error {
	if a.cluster == nil {
		return nil
	}
	return a.owns
}

// owns lets a request go to Finesse when this connector is the owner for certain.
func (a *App) owns(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ownsWithin)
	defer cancel()
	if err := a.broker.Owns(ctx); err != nil {
		return gc.Retry(gc.NotServed, "ask finesse", "this connector may not be the owner of the command queue any more: %w", err)
	}
	return nil
}

func (a *App) clusterState() *ops.ClusterState {
	if a.cluster == nil {
		return nil
	}
	s := &ops.ClusterState{Name: a.config.Cluster.Name, Role: ops.Waiting, Peers: []ops.PeerState{}}
	for _, p := range a.cluster.Peers() {
		s.Peers = append(s.Peers, ops.PeerState{Host: p.Host, Version: p.Version, Priority: p.Priority, Owner: p.Owner})
		if p.Owner {
			s.Role = ops.Standby
		}
	}
	if since := a.cluster.Since(); !since.IsZero() {
		s.Role, s.Since = ops.Owner, &since
	}
	return s
}
