// SPDX-License-Identifier: MIT

// How many bytes does a goroutine hold that waits on a channel, when there are `size` of
// them? Counted is what the process grows by, page tables included.
package main

import (
	"runtime"
	"sync"

	"../meter"
)

func wait(gate chan int64, started, ended *sync.WaitGroup) {
	started.Done()
	<-gate
	ended.Done()
}

func park(size int) float64 {
	var started, ended sync.WaitGroup
	gate := make(chan int64)
	started.Add(size)
	ended.Add(size)
	meter.Collect()
	before := meter.ResidentBytes()
	for i := 0; i < size; i++ {
		go wait(gate, &started, &ended)
	}
	started.Wait()
	for i := 0; i < 10; i++ {
		runtime.Gosched()
	}
	grown := meter.ResidentBytes() - before
	close(gate)
	ended.Wait()
	return grown / float64(size)
}

func main() {
	size := meter.Size(100000)
	park(10)
	meter.Report("parked", []float64{park(size)})
}
