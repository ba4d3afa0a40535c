// SPDX-License-Identifier: MIT

// How long does it take until `size` goroutines have been started, have each slept for 1
// to 100 ms, and have ended? 100 ms is the floor; sleep.cpu is the CPU time of it.
package main

import (
	"sync"
	"time"

	"../meter"
)

func nap(length time.Duration, done *sync.WaitGroup) {
	time.Sleep(length)
	done.Done()
}

func main() {
	size := meter.Size(100000)
	cpu := []float64{}
	meter.Run("sleep", 1, 1, func(int) {
		start := meter.CPUTime()
		var done sync.WaitGroup
		done.Add(size)
		random := int64(1)
		for i := 0; i < size; i++ {
			random = random * 16807 % 2147483647
			go nap(time.Duration(1000+random%99001)*time.Microsecond, &done)
		}
		done.Wait()
		cpu = append(cpu, meter.CPUTime()-start)
	})
	meter.Report("sleep.cpu", cpu[1:]) // the first was the warm-up
}
