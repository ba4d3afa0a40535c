// SPDX-License-Identifier: MIT

// How long does a tree of goroutines take, ten children to each, with `size` leaves that
// send their number up?
package main

import "../meter"

func skynet(up chan int64, number, size int64) {
	if size == 1 {
		up <- number
		return
	}
	ch := make(chan int64)
	for i := int64(0); i < 10; i++ {
		go skynet(ch, number+i*(size/10), size/10)
	}
	sum := int64(0)
	for i := 0; i < 10; i++ {
		sum += <-ch
	}
	up <- sum
}

func main() {
	size := int64(meter.Size(1000000))
	meter.Run("skynet", 1, 1, func(int) {
		ch := make(chan int64)
		go skynet(ch, 0, size)
		meter.Check(<-ch == size*(size-1)/2, "the sum is wrong; is the size a power of ten?")
	})
}
