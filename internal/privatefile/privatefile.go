// Package privatefile makes files that hold customers' data: captures, copies
// of them, reports.
//
// What it promises of every file it gives:
//
//   - Only its owner, who is the user that runs the program, can read or write
//     it. One that others could is made so; Append refuses one that belongs to
//     somebody else, and Replace takes its place.
//   - It is a regular file under the very name that was asked for. A symbolic
//     link is never followed, and neither a link nor a pipe, a socket or a
//     device is written to or replaced: whoever put it there would choose where
//     the data goes.
package privatefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// mode is that of each file.
const mode fs.FileMode = 0o600

// Append opens a file to write at its end, and makes one that is not there.
// The caller closes it.
func Append(name string) (*os.File, error) {
	if err := check(name); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY|direct, mode)
	if err != nil {
		return nil, err
	}
	if err := keepPrivate(name, f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// check says why the file of a name, if there is one, is none to write to. It
// only finds the words for it: between it and the opening of the file another
// may take the place, which direct and keepPrivate refuse.
func check(name string) error {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() == fs.ModeSymlink:
		return fmt.Errorf("%s is a symbolic link, which is not followed: it would choose where customers' data goes; name the file itself", name)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file, and nothing else may get customers' data; name another file", name)
	}
	return nil
}

// keepPrivate looks at what was opened under a name, and takes from others the
// right to read it.
func keepPrivate(name string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	now, err := os.Lstat(name)
	if err != nil {
		return err
	}
	switch {
	case !info.Mode().IsRegular() || !os.SameFile(info, now):
		return fmt.Errorf("%s was replaced while it was opened", name)
	case isForeign(info):
		return fmt.Errorf("%s belongs to another user, who could read customers' data in it; remove it, or name another file", name)
	case info.Mode().Perm() == mode:
		return nil
	default:
		return f.Chmod(mode)
	}
}

// New makes a file of what write writes: all of it, or none. It never touches
// what has the name already.
func New(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY|direct, mode)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// Replace is as New, and takes the place of a regular file in the end: one may
// be read, or be what write reads, meanwhile.
func Replace(name string, write func(io.Writer) error) error {
	if err := check(name); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*.part") // for its owner only
	if err != nil {
		return err
	}
	if err = errors.Join(write(f), f.Close()); err == nil {
		err = errors.Join(check(name), os.Rename(f.Name(), name)) // which replaces a link, and follows none
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
