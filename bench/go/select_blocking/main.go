// SPDX-License-Identifier: MIT

// What does an element cost that a select takes from one of two producers, over
// unbuffered channels?
package main

import "../meter"

func produce(ch chan int64, times int) {
	for i := 0; i < times; i++ {
		ch <- 1
	}
}

func main() {
	meter.Run("select_blocking", meter.Ops(500000, 2), 2, func(ops int) {
		a := make(chan int64)
		b := make(chan int64)
		total := int64(0)
		go produce(a, ops/2)
		go produce(b, ops/2)
		for i := 0; i < ops; i++ {
			select {
			case v := <-a:
				total += v
			case v := <-b:
				total += v
			}
		}
		meter.Check(total == int64(ops), "elements were lost")
	})
}
