package capture

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	records, dropped, failed prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		records: counter("capture_records_total", "Records taken for the capture file."),
		dropped: counter("capture_dropped_total", "Records that had no room to wait for the disk."),
		failed:  counter("capture_failed_total", "Records that could not be written."),
	}
	if reg != nil {
		reg.MustRegister(m.records, m.dropped, m.failed)
	}
	return m
}
