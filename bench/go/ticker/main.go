// SPDX-License-Identifier: MIT

// How late does a goroutine wake that sleeps for a millisecond, beside one that computes for
// ever? Go has one kind of both, so that the size tells nothing.
package main

import (
	"math"
	"sort"
	"time"

	"../meter"
)

const tick = time.Millisecond

var sink uint64

func hog() {
	for n := uint64(0); ; n++ {
		sink = n
	}
}

func quantile(sorted []float64, share float64) []float64 {
	i := int(math.Ceil(share*float64(len(sorted)))) - 1
	if i < 0 {
		i = 0
	}
	return sorted[i : i+1]
}

func main() {
	ticks := meter.Ops(400, 1)
	go hog()
	time.Sleep(20 * time.Millisecond)

	late := make([]float64, ticks)
	for i := range late {
		due := time.Now().Add(tick)
		time.Sleep(tick)
		late[i] = float64(time.Since(due))
	}

	sort.Float64s(late)
	meter.Report("ticker", quantile(late, 0.5))
	meter.Report("ticker.late-p99", quantile(late, 0.99))
	meter.Report("ticker.late-max", quantile(late, 1))
}
