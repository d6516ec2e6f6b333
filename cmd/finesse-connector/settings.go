package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

const defaultConfig = "/etc/finesse-connector/config.yaml"

// loadConfig adds to the faults of a configuration where to read more.
func loadConfig(path string) (*config.Config, error) {
	c, err := config.Load(path)
	if err != nil {
		return nil, fmt.Errorf("%w\ncorrect %s; \"%s config describe\" explains every key", err, path, program)
	}
	return c, nil
}

// explainListen adds the next step to an error about an address that cannot be
// listened on; where says how to name another one.
func explainListen(err error, where string) error {
	var failed *net.OpError
	if errors.As(err, &failed) && failed.Op == "listen" {
		return fmt.Errorf("%w; stop what listens there, or name another address %s", err, where)
	}
	return err
}

// readPassword reads a file that holds a password and maybe a line end.
func readPassword(path string) (gc.Secret, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return gc.Secret{}, fmt.Errorf("read the password: %w", err)
	}
	password := strings.TrimRight(string(data), "\r\n")
	if password == "" {
		return gc.Secret{}, fmt.Errorf("read the password: %s is empty; write the password into it", path)
	}
	return gc.NewSecret(password), nil
}
