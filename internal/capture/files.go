package capture

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
)

// Files reads several files as one, in the order of events: the parts of a run
// one after the other, whatever order they are named in, and runs of several
// connectors by time. Records of one run stay in the order of seq, even if
// their times differ.
type Files struct{ sources []*source }

type source struct {
	*Reader
	next  Item
	place int // among the names
}

// OpenFiles opens them all, to be read until ctx ends. The caller closes them.
func OpenFiles(ctx context.Context, names ...string) (*Files, error) {
	f := &Files{}
	for i, name := range names {
		r, err := Open(ctx, name)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		s := &source{Reader: r, place: i}
		switch s.next, err = r.Next(); {
		case errors.Is(err, io.EOF): // an empty file
			err = r.Close()
		case err == nil:
			f.sources = append(f.sources, s)
		default:
			err = errors.Join(err, r.Close())
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// Close closes all files.
func (f *Files) Close() error {
	var err error
	for _, s := range f.sources {
		err = errors.Join(err, s.Close())
	}
	f.sources = nil
	return err
}

// Next is like Reader.Next.
func (f *Files) Next() (Item, error) {
	if len(f.sources) == 0 {
		return Item{}, io.EOF
	}
	s := slices.MinFunc(f.sources, before)
	item := s.next
	var err error
	if s.next, err = s.Reader.Next(); errors.Is(err, io.EOF) {
		err = s.Close()
		f.sources = slices.DeleteFunc(f.sources, func(x *source) bool { return x == s })
	}
	return item, err
}

// before compares which of two sources has the earlier line. A fault of a file
// is reported where it is found.
func before(a, b *source) int {
	switch {
	case (a.next.Problem == nil) != (b.next.Problem == nil):
		if a.next.Problem != nil {
			return -1
		}
		return 1
	case a.next.Problem == nil && a.run.Run == b.run.Run:
		return cmp.Or(cmp.Compare(a.run.Part, b.run.Part), cmp.Compare(a.seq, b.seq), cmp.Compare(a.place, b.place))
	default:
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.place, b.place))
	}
}
