// SPDX-License-Identifier: MIT

// How long does a computation take that is shared out among `size` goroutines, which need
// nobody? They add up 1 / i^2, of which the sum is known.
package main

import (
	"math"

	"../meter"
)

func addUp(first, last float64, sum chan float64) {
	total := 0.0
	for i := first; i <= last; i++ {
		total += 1 / (i * i)
	}
	sum <- total
}

func main() {
	size := meter.Size(8)
	share := meter.Ops(25000000, 1)
	meter.Run("cores", 1, 1, func(int) {
		sums := make([]chan float64, size)
		for i := range sums {
			sums[i] = make(chan float64, 1)
			go addUp(float64(i*share+1), float64((i+1)*share), sums[i])
		}
		total := 0.0
		for i := range sums {
			total += <-sums[i]
		}
		meter.Check(math.Abs(total-math.Pi*math.Pi/6) < 1e-6, "the sum is wrong")
	})
}
