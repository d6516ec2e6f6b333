package anonymize

import (
	"context"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// words replaces words: runs of digits, of ASCII letters, or of other letters.
// Everything between them stays. So a text composed of values, with any
// separators, becomes the text composed of their replacements: a full name, the
// path of a user, a value whose separators a text format replaced.
//
// A word becomes one of the same length and kind, the same everywhere and
// different from all others. First all words are learnt, then replacements are
// drawn: so no replacement is another's original, if there are enough words.
type words struct {
	random   *rand.Rand
	alphabet map[letters][]rune
	learning bool
	known    map[string]map[string]bool // by kind: each word, and whether it is of a login id
	new      map[string]string          // replacements
	taken    map[string]bool
	size     int            // about how many bytes are kept
	most     int            // of it
	reserved map[string]int // how many words of a kind are
}

// How many bytes a word takes besides its letters, and how many all may take.
const (
	wordOverhead = 250
	maxWords     = 512 << 20
)

// longestWord is how many bytes of letters are at most replaced as one word.
const longestWord = 64

func newWords(random *rand.Rand) *words {
	w := &words{
		random: random, alphabet: map[letters][]rune{}, learning: true,
		known: map[string]map[string]bool{}, new: map[string]string{}, taken: map[string]bool{}, most: maxWords,
		reserved: map[string]int{},
	}
	for word := range reserved {
		w.reserved[w.kind(word)]++
	}
	return w
}

// secret is what stands for a password in a capture.
var secret = regexp.MustCompile(`\[secret(?: \d+)?\]`)

// text replaces the words of s.
func (w *words) text(s string) string { return w.texts(s, false) }

// login replaces the words of a login id. The connector lists agents in order
// of their ids, so they keep their order.
func (w *words) login(s string) string { return w.texts(s, true) }

func (w *words) texts(s string, login bool) string {
	var b strings.Builder
	for s != "" {
		place := secret.FindStringIndex(s)
		if place == nil {
			place = []int{len(s), len(s)}
		}
		w.replace(&b, s[:place[0]], login)
		b.WriteString(s[place[0]:place[1]])
		s = s[place[1]:]
	}
	return b.String()
}

func (w *words) replace(b *strings.Builder, s string, login bool) {
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		kind := kindOf(r)
		if kind == 0 {
			b.WriteString(s[:size])
			s = s[size:]
			continue
		}
		start := s[:min(len(s), longestWord)]
		for range utf8.UTFMax - 1 {
			if len(start) == len(s) || utf8.RuneStart(s[len(start)]) {
				break
			}
			start = start[:len(start)-1] // no rune is cut; long words are cut at the same places
		}
		end := strings.IndexFunc(start, func(r rune) bool { return kindOf(r) != kind })
		if end < 0 {
			end = len(start)
		}
		b.WriteString(w.word(s[:end], login))
		s = s[end:]
	}
}

// kindOf returns the kind of a rune, 0 for one that belongs to no word.
func kindOf(r rune) int {
	switch {
	case r >= '0' && r <= '9':
		return 1
	case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
		return 2
	case r >= utf8.RuneSelf && r != utf8.RuneError && unicode.In(r, unicode.L, unicode.M, unicode.Nd):
		return 3
	default:
		return 0
	}
}

// word returns the replacement of a word, with capitals in the same places.
func (w *words) word(original string, login bool) string {
	small := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return unicode.ToLower(r)
		}
		return r
	}, original)
	if w.learning {
		w.learn(small, login)
		return original
	}
	replacement, ok := w.new[small]
	if !ok { // the file has grown since
		w.learn(small, login)
		replacement = w.draw(context.Background(), small, 1)[0]
		w.put(small, replacement)
	}
	if small == original {
		return replacement
	}
	cased := []byte(replacement) // only ASCII letters differ in case here
	for i := range cased {
		if original[i] != small[i] {
			cased[i] -= 'a' - 'A'
		}
	}
	return string(cased)
}

func (w *words) learn(small string, login bool) {
	k := w.kind(small)
	if w.known[k] == nil {
		w.known[k] = map[string]bool{}
		w.size += wordOverhead + len(k)
	}
	if _, known := w.known[k][small]; !known {
		small = strings.Clone(small)
		w.size += wordOverhead + 3*len(small)
	}
	w.known[k][small] = w.known[k][small] || login
}

func (w *words) put(original, replacement string) {
	w.new[original] = replacement
	w.taken[replacement] = true
}

// settle draws the replacements of all words learnt, unless ctx ends.
func (w *words) settle(ctx context.Context) error {
	w.learning = false
	for _, kind := range slices.Sorted(maps.Keys(w.known)) {
		var logins, others []string
		for _, word := range slices.Sorted(maps.Keys(w.known[kind])) {
			if w.known[kind][word] {
				logins = append(logins, word)
			} else {
				others = append(others, word)
			}
		}
		drawn := w.draw(ctx, append(logins, others...)[0], len(logins)+len(others))
		if err := ctx.Err(); err != nil {
			return err
		}
		slices.Sort(drawn[:len(logins)])
		for i, word := range append(logins, others...) {
			w.put(word, drawn[i])
		}
	}
	return nil
}

// few is the largest number of words of a kind that are searched one by one.
const few = 20_000

// draw returns n words of the kind of like, in no order, that are not taken. They
// are no originals and no words of the protocol either, unless most words are. It
// returns fewer when ctx ends.
func (w *words) draw(ctx context.Context, like string, n int) []string {
	alphabets, size := w.alphabets(like), 1
	for _, a := range alphabets {
		size = min(size*len(a), 1<<31)
	}
	originals := w.known[w.kind(like)]
	dense := size < 4*(len(originals)+w.reserved[w.kind(like)])
	fits := func(word string) bool {
		_, used := originals[word]
		return !w.taken[word] && (dense || !used && !reserved[word])
	}
	var drawn []string
	if size <= few {
		for _, i := range w.random.Perm(size) {
			if word := spell(alphabets, func(n int) int { digit := i % n; i /= n; return digit }); len(drawn) < n && fits(word) {
				drawn = append(drawn, word)
			}
		}
		return drawn
	}
	have := map[string]bool{}
	for tries := 1; len(drawn) < n && (tries%1024 != 0 || ctx.Err() == nil); tries++ {
		if word := spell(alphabets, w.random.IntN); fits(word) && !have[word] {
			have[word] = true
			drawn = append(drawn, word)
		}
	}
	return drawn
}

func spell(alphabets [][]rune, pick func(int) int) string {
	word := make([]rune, len(alphabets))
	for i, a := range alphabets {
		word[i] = a[pick(len(a))]
	}
	return string(word)
}

// letters are those by which a letter may be replaced: of the same part of
// Unicode, and capitals by capitals.
type letters struct {
	block rune
	sort  int
}

func lettersOf(r rune) letters {
	switch {
	case r < utf8.RuneSelf:
		return letters{0, kindOf(r)}
	case unicode.IsUpper(r):
		return letters{r >> 8, 3}
	case unicode.IsLower(r):
		return letters{r >> 8, 4}
	case unicode.IsLetter(r):
		return letters{r >> 8, 5}
	case unicode.IsMark(r):
		return letters{r >> 8, 6}
	default:
		return letters{r >> 8, 7}
	}
}

// kind is the same for words that may replace each other.
func (w *words) kind(word string) string {
	var b []rune
	for _, r := range word {
		l := lettersOf(r)
		b = append(b, l.block, rune(l.sort))
	}
	return string(b)
}

func (w *words) alphabets(word string) [][]rune {
	var all [][]rune
	for _, r := range word {
		l := lettersOf(r)
		if w.alphabet[l] == nil {
			for x := l.block << 8; x < (l.block+1)<<8; x++ {
				if kindOf(x) != 0 && lettersOf(x) == l && (x < 'A' || x > 'Z') {
					w.alphabet[l] = append(w.alphabet[l], x)
				}
			}
		}
		all = append(all, w.alphabet[l])
	}
	return all
}
