package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/spf13/cobra"

	"github.com/finesse-connector/finesse-connector/internal/app"
	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// brokerFlags say which broker send and tail use.
type brokerFlags struct{ config, url, username, passwordFile string }

const defaultBroker = "tcp://127.0.0.1:61613"

func (f *brokerFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "take broker, credentials and names from this configuration `FILE`")
	flags.StringVar(&f.url, "broker", "", "the broker's `URL`, tcp://host:port or ssl://host:port (default "+defaultBroker+")")
	flags.StringVar(&f.username, "username", "", "the `NAME` to sign in to the broker with")
	flags.StringVar(&f.passwordFile, "password-file", "", "a `FILE` with the broker's password")
}

// connection is a connection to the broker and what the configuration says
// about the messages on it.
type connection struct {
	*broker.Client
	queue    string // of commands, without its kind
	category string // the property of that name
}

// dial connects as the flags and the configuration, if one is named, say. The
// caller closes the connection.
func (f *brokerFlags) dial(ctx context.Context) (*connection, error) {
	c := config.Default()
	if f.config != "" {
		if f.url != "" {
			return nil, usagef("--config and --broker name two brokers; leave one out")
		}
		var err error
		if c, err = loadConfig(f.config); err != nil {
			return nil, err
		}
	} else if f.url != "" {
		c.Broker.URLs = []string{f.url}
	}
	if f.username != "" {
		c.Broker.Username = f.username
	}
	if f.passwordFile != "" {
		password, err := readPassword(f.passwordFile)
		if err != nil {
			return nil, err
		}
		c.Broker.Password = password
	}
	options, err := app.BrokerOptions(c.Broker, c.Messages.CategoryProperty)
	if err != nil {
		return nil, err
	}
	client, err := dialFirst(ctx, options, urlsOf(c.Broker))
	if err != nil {
		return nil, err
	}
	return &connection{Client: client, queue: c.Broker.CommandQueue, category: c.Messages.CategoryProperty}, nil
}

// urlsOf returns the addresses of the broker of c.
func urlsOf(c config.Broker) []string {
	if c.Embedded == "" {
		return c.URLs
	}
	host, port, _ := net.SplitHostPort(c.Embedded)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return []string{"tcp://" + net.JoinHostPort(host, port)}
}

// dialFirst connects to the first of urls that lets it in.
func dialFirst(ctx context.Context, o broker.Options, urls []string) (*broker.Client, error) {
	var failed []error
	for _, url := range urls {
		client, err := broker.Dial(ctx, o, url)
		if err == nil && o.JavaText && !strings.HasPrefix(client.Server(), "ActiveMQ") {
			client.Close() // others take text unchanged
			o.JavaText = false
			client, err = broker.Dial(ctx, o, url)
		}
		if err == nil {
			return client, nil
		}
		failed = append(failed, err)
	}
	return nil, errors.Join(failed...)
}

// parseDestination reads the name of a destination to subscribe to.
func parseDestination(name string) (string, error) {
	d, err := gc.ParseDestination(name)
	if err != nil {
		return "", usagef("destination %q: %w", name, err)
	}
	return string(d), nil
}

// lost returns the error of a connection that ended unasked.
func (c *connection) lost() error {
	return fmt.Errorf("the connection to the broker ended: %w; check whether it still runs", c.Err())
}
