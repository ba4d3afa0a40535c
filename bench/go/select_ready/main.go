// SPDX-License-Identifier: MIT

// What does a select over `size` channels (2 or 8) cost when all are ready to be
// received from? Filling them again is not counted.
package main

import (
	"time"

	"../meter"
)

const (
	places = 256 // of each channel: as many selects can never leave one empty too early
	rounds = 800000 / places
)

func select2(ch []chan int64) (total int64) {
	a, b := ch[0], ch[1]
	for i := 0; i < places; i++ {
		select {
		case v := <-a:
			total += v
		case v := <-b:
			total += v
		}
	}
	return total
}

func select8(ch []chan int64) (total int64) {
	a, b, c, d, e, f, g, h := ch[0], ch[1], ch[2], ch[3], ch[4], ch[5], ch[6], ch[7]
	for i := 0; i < places; i++ {
		select {
		case v := <-a:
			total += v
		case v := <-b:
			total += v
		case v := <-c:
			total += v
		case v := <-d:
			total += v
		case v := <-e:
			total += v
		case v := <-f:
			total += v
		case v := <-g:
			total += v
		case v := <-h:
			total += v
		}
	}
	return total
}

func main() {
	size := meter.Size(2)
	meter.Check(size == 2 || size == 8, "the size must be 2 or 8")
	run := select2
	if size == 8 {
		run = select8
	}
	ch := make([]chan int64, size)
	for i := range ch {
		ch[i] = make(chan int64, places)
	}
	ops := meter.Ops(rounds*places, places)
	meter.RunTimed("select_ready", ops, places, func(ops int) time.Duration {
		took := time.Duration(0)
		for round := 0; round < ops/places; round++ {
			for i := range ch {
				for len(ch[i]) < places {
					ch[i] <- 1
				}
			}
			start := time.Now()
			total := run(ch)
			took += time.Since(start)
			meter.Check(total == places, "elements were lost")
		}
		return took
	})
}
