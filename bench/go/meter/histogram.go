// SPDX-License-Identifier: MIT

package meter

import (
	"math"
	"math/bits"
	"runtime/metrics"
)

// Histogram counts times in buckets that are a sixteenth of a power of two wide, as
// native/histogram.h does.
type Histogram struct {
	counts [64 * 16]uint64
}

// Add counts a value.
func (h *Histogram) Add(value uint64) {
	if value < 16 {
		value = 16
	}
	shift := 59 - bits.LeadingZeros64(value)
	h.counts[shift*16+int(value>>uint(shift))]++
}

// Merge adds what another has counted.
func (h *Histogram) Merge(from *Histogram) {
	for i, n := range from.counts {
		h.counts[i] += n
	}
}

// Quantile is the upper end of the bucket where a share of all values is at or below.
func (h *Histogram) Quantile(share float64) float64 {
	all := 0.0
	for _, n := range h.counts {
		all += float64(n)
	}
	seen, end := 0.0, 0.0
	for i := 16; i < len(h.counts) && seen < share*all; i++ {
		seen += float64(h.counts[i])
		shift := i/16 - 1
		end = float64(i-shift*16+1) * float64(uint64(1)<<uint(shift))
	}
	return end
}

// StopQuantile is the same of the stops of the world since the process began, in
// nanoseconds, by Go's own histogram.
func StopQuantile(share float64) float64 {
	sample := []metrics.Sample{{Name: "/gc/pauses:seconds"}}
	metrics.Read(sample)
	stops := sample[0].Value.Float64Histogram()
	all := 0.0
	for _, n := range stops.Counts {
		all += float64(n)
	}
	seen, end := 0.0, 0.0
	for i := 0; i < len(stops.Counts) && seen < share*all; i++ {
		seen += float64(stops.Counts[i])
		if !math.IsInf(stops.Buckets[i+1], 0) {
			end = stops.Buckets[i+1] * 1e9
		}
	}
	return end
}
