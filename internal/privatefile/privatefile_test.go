//go:build unix

package privatefile_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/privatefile"
)

// ways are those in which a file comes to be.
var ways = map[string]func(name, text string) error{
	"append": func(name, text string) error {
		f, err := privatefile.Append(name)
		if err != nil {
			return err
		}
		_, err = io.WriteString(f, text)
		return errors.Join(err, f.Close())
	},
	"new":     func(name, text string) error { return privatefile.New(name, writes(text)) },
	"replace": func(name, text string) error { return privatefile.Replace(name, writes(text)) },
}

func writes(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func text(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

func modeOf(t *testing.T, name string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(name)
	require.NoError(t, err)
	return info.Mode()
}

func TestOnlyTheOwnerCanReadWhatIsMade(t *testing.T) {
	for way, write := range ways {
		name := filepath.Join(t.TempDir(), "file")
		require.NoError(t, write(name, "data"), way)
		require.Equal(t, fs.FileMode(0o600), modeOf(t, name), way)
		require.Equal(t, "data", text(t, name), way)
	}
}

func TestAModeThatLetsOthersReadIsTightened(t *testing.T) {
	for _, mode := range []fs.FileMode{0o666, 0o644, 0o640, 0o777} {
		for way, want := range map[string]string{"append": "olddata", "replace": "data"} {
			name := filepath.Join(t.TempDir(), "file")
			require.NoError(t, os.WriteFile(name, []byte("old"), 0o600))
			require.NoError(t, os.Chmod(name, mode))
			require.NoError(t, ways[way](name, "data"), way)
			require.Equal(t, fs.FileMode(0o600), modeOf(t, name), "%s %o", way, mode)
			require.Equal(t, want, text(t, name), way)
		}
	}
}

func TestNothingButARegularFileIsWrittenTo(t *testing.T) {
	for way, write := range ways {
		for kind, put := range map[string]func(t *testing.T, name, other string) error{
			"link to a file":    func(_ *testing.T, name, other string) error { return os.Symlink(other, name) },
			"link to nothing":   func(_ *testing.T, name, other string) error { return os.Symlink(other+".none", name) },
			"link to a device":  func(_ *testing.T, name, _ string) error { return os.Symlink("/dev/null", name) },
			"pipe nobody reads": func(_ *testing.T, name, _ string) error { return syscall.Mkfifo(name, 0o600) },
			"directory":         func(_ *testing.T, name, _ string) error { return os.Mkdir(name, 0o700) },
			"socket": func(t *testing.T, name, _ string) error {
				l, err := net.Listen("unix", name)
				if err == nil {
					t.Cleanup(func() { _ = l.Close() })
				}
				return err
			},
		} {
			t.Run(way+" "+kind, func(t *testing.T) {
				dir, err := os.MkdirTemp("", "") // short enough for a socket
				require.NoError(t, err)
				t.Cleanup(func() { _ = os.RemoveAll(dir) })
				name, other := filepath.Join(dir, "file"), filepath.Join(dir, "other")
				require.NoError(t, os.WriteFile(other, []byte("theirs"), 0o600))
				require.NoError(t, put(t, name, other))
				before := modeOf(t, name)
				require.ErrorContains(t, write(name, "data"), name)
				require.Equal(t, before, modeOf(t, name))
				require.Equal(t, "theirs", text(t, other))
				left, err := os.ReadDir(dir)
				require.NoError(t, err)
				require.Len(t, left, 2, "nothing else is made")
			})
		}
	}
}

func TestAFileOfAnotherUserIsNotAppendedTo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, []byte("theirs"), 0o600))
	require.NoError(t, os.Chown(name, 12345, 12345))
	require.ErrorContains(t, ways["append"](name, "data"), "belongs to another user")
	require.Equal(t, "theirs", text(t, name))
}

func TestNewNeverOverwrites(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, ways["new"](name, "first"))
	require.ErrorIs(t, ways["new"](name, "second"), fs.ErrExist)
	require.Equal(t, "first", text(t, name))
}

func TestAllOrNothingIsWritten(t *testing.T) {
	broken := func(w io.Writer) error { return errors.Join(writes("half")(w), errors.New("no more")) }
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	require.ErrorContains(t, privatefile.New(name, broken), "no more")
	require.NoFileExists(t, name)
	require.NoError(t, os.WriteFile(name, []byte("old"), 0o600))
	require.ErrorContains(t, privatefile.Replace(name, broken), "no more")
	require.Equal(t, "old", text(t, name))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func TestAFileCanBeReadWhileItIsReplaced(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, []byte("old"), 0o600))
	require.NoError(t, privatefile.Replace(name, func(w io.Writer) error {
		_, err := io.WriteString(w, "new from "+text(t, name))
		return err
	}))
	require.Equal(t, "new from old", text(t, name))
}
