package ops_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/ops"
)

// crowd is a stranger's connections, which end with ctx.
type crowd struct {
	address string
	ctx     context.Context
	work    sync.WaitGroup
	begun   sync.WaitGroup // until each has connected once
}

// come opens many connections and calls act for each. A closed one is soon
// opened again.
func (c *crowd) come(many int, act func(net.Conn)) {
	for range many {
		c.begun.Add(1)
		c.work.Go(func() {
			begun := sync.OnceFunc(c.begun.Done)
			defer begun()
			c.until(again, func() error {
				conn, err := net.Dial("tcp", c.address)
				if err != nil {
					return nil // the machine is busy; the probe shows whether it is too busy
				}
				defer conn.Close()
				defer context.AfterFunc(c.ctx, func() { _ = conn.Close() })()
				begun()
				act(conn)
				_, _ = conn.Read(make([]byte, 1))
				return nil
			})
		})
	}
}

// until calls do at an interval until it fails or ctx ends.
func (c *crowd) until(every time.Duration, do func() error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for do() == nil {
		select {
		case <-tick.C:
		case <-c.ctx.Done():
			return
		}
	}
}

func (c *crowd) line(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: " + c.address + "\r\n"
}

const (
	many   = 250 // more than are kept
	again  = 400 * time.Millisecond
	probes = 16
	// probeTime is how long a probe waits. It takes milliseconds; this is for a
	// busy machine, where attackers and server fight for the processors.
	probeTime = 2 * time.Second
)

func TestNobodyKeepsTheProbeOut(t *testing.T) {
	for name, attack := range map[string]func(*crowd){
		"idle connections": func(c *crowd) { c.come(many, func(net.Conn) {}) },
		"headers byte by byte": func(c *crowd) {
			c.come(many, func(conn net.Conn) {
				text := strings.NewReader(c.line("/livez") + "X: " + strings.Repeat("x", 1000))
				c.until(again/4, func() error {
					_, err := io.CopyN(conn, text, 1)
					return err
				})
			})
		},
		"connections kept after their request": func(c *crowd) {
			c.come(many, func(conn net.Conn) {
				_, _ = io.WriteString(conn, c.line("/livez")+"\r\n"+c.line("/livez"))
			})
		},
		"connections closed for one half": func(c *crowd) {
			c.come(many, func(conn net.Conn) {
				_, _ = io.WriteString(conn, c.line("/livez"))
				_ = conn.(*net.TCPConn).CloseWrite()
			})
		},
		"bodies that do not come": func(c *crowd) {
			c.come(many, func(conn net.Conn) {
				_, _ = io.WriteString(conn, "POST /api/capture HTTP/1.1\r\nHost: "+c.address+"\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
			})
		},
		"answers that nobody reads": func(c *crowd) {
			c.come(many, func(conn net.Conn) {
				_ = conn.(*net.TCPConn).SetReadBuffer(1)
				_, _ = io.WriteString(conn, strings.Repeat(c.line("/metrics")+"\r\n", 100))
				<-c.ctx.Done()
			})
		},
		"big answers, again and again": func(c *crowd) {
			c.come(many/8, func(conn net.Conn) {
				_, _ = io.WriteString(conn, c.line("/metrics")+"\r\n")
				_, _ = io.Copy(io.Discard, conn)
			})
		},
		"two thousand new connections a second": func(c *crowd) {
			c.work.Go(func() {
				var latest [2 * many]io.Closer // the server must close older ones
				n := 0
				c.until(time.Millisecond, func() error {
					for range 2 {
						conn, err := net.Dial("tcp", c.address)
						if err != nil {
							continue
						}
						if old := latest[n%len(latest)]; old != nil {
							_ = old.Close()
						}
						latest[n%len(latest)] = conn
						n++
					}
					return nil
				})
				for _, conn := range latest[:min(n, len(latest))] {
					_ = conn.Close()
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, besieged())
			ctx, end := context.WithCancel(t.Context())
			c := &crowd{address: s.Addr().String(), ctx: ctx}
			defer c.work.Wait()
			defer end()
			attack(c)
			c.begun.Wait()
			slowest, tick := time.Duration(0), time.NewTicker(again/16)
			defer tick.Stop()
			for range probes {
				<-tick.C
				for _, path := range []string{"/livez", "/readyz"} {
					took, err := probe(s.Addr().String(), path)
					require.NoError(t, err)
					slowest = max(slowest, took)
				}
			}
			t.Logf("slowest probe: %s", slowest)
		})
	}
}

// besieged returns options with big metrics.
func besieged() ops.Options {
	p := &process{registry: prometheus.NewRegistry()}
	series := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "series", Help: "Many."}, []string{"number"})
	p.registry.MustRegister(series)
	for n := range 2000 {
		series.WithLabelValues(fmt.Sprint(n)).Set(1)
	}
	p.ready.Broker.Consuming = true
	return ops.Options{
		Listen: "127.0.0.1:0", Logger: zap.NewNop(), Gatherer: p.registry, Capture: &light{},
		Ready: func() ops.Readiness { return p.ready },
		Live:  func() error { return nil },
	}
}

// probe asks as service managers and load balancers do, on a connection of its
// own.
func probe(address, path string) (time.Duration, error) {
	begin := time.Now()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: probeTime}
	answer, err := client.Get("http://" + address + path)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if _, err := io.ReadAll(answer.Body); err != nil {
		return 0, err
	}
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s is answered %s", path, answer.Status)
	}
	return time.Since(begin), nil
}
