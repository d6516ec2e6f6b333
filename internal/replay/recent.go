package replay

// recent is a map that forgets the oldest: a capture refers only to what is
// near.
type recent[V any] struct {
	values map[string]V
	order  []string // oldest first
}

// maxRecent is more than is under way at a time.
const maxRecent = 10_000

func (r *recent[V]) put(key string, v V) {
	if r.values == nil {
		r.values = map[string]V{}
	}
	if _, known := r.values[key]; !known {
		r.order = append(r.order, key)
	}
	r.values[key] = v
	if len(r.order) > maxRecent {
		delete(r.values, r.order[0])
		r.order = r.order[1:]
	}
}
