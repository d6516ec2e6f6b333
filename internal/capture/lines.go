package capture

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
)

// Lines reads a text line by line, in constant memory however long it and its
// lines are.
type Lines struct {
	Number int // of the line that Next gave last, from 1
	from   *bufio.Reader
	most   int
	text   []byte
}

// ahead is how much of a text is read at a time.
const ahead = 64 << 10

// NewLines reads what may be compressed. Of lines with more than most bytes only
// the size is told.
func NewLines(from io.Reader, most int) (*Lines, error) {
	text := bufio.NewReaderSize(from, ahead)
	if start, _ := text.Peek(2); !bytes.Equal(start, []byte{0x1f, 0x8b}) {
		return &Lines{from: text, most: most}, nil
	}
	z, err := gzip.NewReader(text)
	if err != nil {
		return nil, err
	}
	return &Lines{from: bufio.NewReaderSize(z, ahead), most: most}, nil
}

// Start is the beginning of the text; nothing is taken from it.
func (l *Lines) Start() []byte {
	start, _ := l.from.Peek(ahead)
	return bytes.TrimPrefix(start, byteOrder)
}

// byteOrder is the mark that editors put in front of a text.
var byteOrder = []byte("\ufeff")

// Next is the next line with its end, which the last may lack, and its size. It
// is valid until the next call, and empty where it is too long. io.EOF comes
// behind the last, and another error where the text can not be read, or a
// compressed file is cut off.
func (l *Lines) Next() (text []byte, size int, err error) {
	l.Number++
	l.text = l.text[:0]
	for {
		part, err := l.from.ReadSlice('\n')
		if size += len(part); size <= l.most {
			l.text = append(l.text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && (size == 0 || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)):
			return nil, 0, err
		case size > l.most:
			return nil, size, nil
		case l.Number == 1:
			return bytes.TrimPrefix(l.text, byteOrder), size, nil
		}
		return l.text, size, nil
	}
}
