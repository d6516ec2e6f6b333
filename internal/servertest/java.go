package servertest

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	javaDir   = "/usr/share/java"
	javaLimit = 60 * time.Second
)

// JavaClasspath has what a JMS 1.1 program for ActiveMQ needs.
func JavaClasspath() string {
	var jars []string
	for _, name := range []string{
		"activemq-client", "geronimo-jms_1.1_spec", "geronimo-j2ee-management-1.1-spec", "hawtbuf", "slf4j-api", "slf4j-nop",
	} {
		jars = append(jars, filepath.Join(javaDir, name+".jar"))
	}
	return strings.Join(jars, ":")
}

// Java is a running Java program of test/java.
type Java struct {
	// Lines has what it prints, and is closed when it ends. At most 10,000
	// lines wait to be read; then the program waits.
	Lines <-chan string

	command *exec.Cmd
	errors  strings.Builder // read only after end
	cancel  context.CancelFunc
	end     func() error
}

// StartJava starts a class of test/java. It is killed when the test ends, or
// after a minute.
func StartJava(t testing.TB, class string, args ...string) *Java {
	t.Helper()
	classes, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), javaLimit)
	j := &Java{cancel: cancel}
	j.command = exec.CommandContext(ctx, "java", append([]string{"-XX:TieredStopAtLevel=1", "-Xmx64m",
		"-cp", JavaClasspath() + ":" + classes, class}, args...)...)
	j.command.Stderr = &j.errors
	stdout, err := j.command.StdoutPipe()
	if err == nil {
		err = j.command.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	lines := make(chan string, 10_000)
	j.Lines = lines
	read := make(chan struct{})
	go func() { // ends with the program's output
		defer close(read)
		defer close(lines)
		for in := bufio.NewScanner(stdout); in.Scan(); {
			lines <- in.Text()
		}
	}()
	j.end = sync.OnceValue(func() error {
		<-read
		return j.command.Wait()
	})
	t.Cleanup(func() {
		cancel()
		for range lines { // so that the reader is not held up
		}
		_ = j.end() // killed
	})
	return j
}

// Next is the next line it prints; the test fails when there is none.
func (j *Java) Next(t testing.TB) string {
	t.Helper()
	timer := time.NewTimer(javaLimit)
	defer timer.Stop()
	select {
	case line, ok := <-j.Lines:
		if !ok {
			t.Fatalf("the Java program ended: %v\n%s", j.end(), j.errors.String())
		}
		return line
	case <-timer.C:
		t.Fatal("the Java program prints nothing")
	}
	return ""
}

// RunJava runs a class of test/java to its end and gives the lines it printed.
// It fails the test when the program fails.
func RunJava(t testing.TB, class string, args ...string) []string {
	t.Helper()
	j := StartJava(t, class, args...)
	var lines []string
	for line := range j.Lines {
		lines = append(lines, line)
	}
	if err := j.end(); err != nil {
		t.Fatalf("java %s %q: %v\n%s\n%s", class, args, err, strings.Join(lines, "\n"), j.errors.String())
	}
	return lines
}

// compiled is the directory with the classes of test/java. They are kept
// between runs, under a name that changes with the sources.
var compiled = sync.OnceValues(func() (string, error) {
	_, self, _, _ := runtime.Caller(0)
	sources, err := filepath.Glob(filepath.Join(filepath.Dir(self), "..", "..", "test", "java", "*.java"))
	if err != nil || len(sources) == 0 {
		return "", fmt.Errorf("no Java sources in test/java: %w", err)
	}
	name := sha256.New()
	for _, s := range sources {
		text, err := os.ReadFile(s)
		if err != nil {
			return "", err
		}
		name.Write(text)
	}
	dir := filepath.Join(os.TempDir(), "finesse-connector-java-"+hex.EncodeToString(name.Sum(nil)[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	fresh, err := os.MkdirTemp("", "finesse-connector-javac-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh) // of no effect once it is renamed
	out, err := exec.Command("javac", append([]string{"-cp", JavaClasspath(), "-d", fresh}, sources...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("javac (is the JDK installed? \"make deps\"): %w\n%s", err, out)
	}
	// Another test process may have been first.
	if err := os.Rename(fresh, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr != nil {
			return "", err
		}
	}
	return dir, nil
})
