// SPDX-License-Identifier: MIT

// What does an element cost that passes through a channel of 128 places, from `size`
// producers to as many consumers?
package main

import (
	"sync"

	"../meter"
)

func produce(ch chan int64, times int, done *sync.WaitGroup) {
	for i := int64(0); i < int64(times); i++ {
		ch <- i
	}
	done.Done()
}

func consume(ch chan int64, times int, sum *int64, done *sync.WaitGroup) {
	total := int64(0)
	for i := 0; i < times; i++ {
		total += <-ch
	}
	*sum = total
	done.Done()
}

func main() {
	size := meter.Size(1)
	meter.Run("buffered", meter.Ops(2000000, size), size, func(ops int) {
		var done sync.WaitGroup
		ch := make(chan int64, 128)
		sums := make([]int64, size)
		times := ops / size
		done.Add(2 * size)
		for i := 0; i < size; i++ {
			go produce(ch, times, &done)
			go consume(ch, times, &sums[i], &done)
		}
		done.Wait()
		total := int64(0)
		for _, sum := range sums {
			total += sum
		}
		meter.Check(total == int64(size)*int64(times)*int64(times-1)/2, "elements were lost")
	})
}
