// SPDX-License-Identifier: MIT

// How do allocations fare beside `size` MB of live objects? Those are a graph whose nodes
// have six references each, to any others. As many workers as there are Ps make garbage and
// redirect references for four seconds.
package main

import (
	"runtime"
	"sync"
	"time"
	"unsafe"

	"../meter"
)

const (
	edges  = 6
	window = 64
)

type node struct {
	edges  [edges]*node
	values [2]uint64
}

type worker struct {
	nodes    []*node
	from, to int // its share of the nodes, to be linked
	random   meter.Random
	until    time.Duration
	ops      int
	times    meter.Histogram // of an allocation
}

var start = time.Now()

func (w *worker) nodeAt() *node {
	return w.nodes[w.random.Next()%uint64(len(w.nodes))]
}

func (w *worker) link() {
	for i := w.from; i < w.to; i++ {
		n := w.nodes[i]
		for edge := range n.edges {
			n.edges[edge] = w.nodeAt()
		}
	}
}

func (w *worker) makeGarbage() {
	var recent [window]*node
	for now := time.Since(start); now < w.until; w.ops++ {
		before := time.Since(start)
		n := new(node)
		now = time.Since(start)
		w.times.Add(uint64(now - before))
		n.values[0] = uint64(w.ops)
		if w.ops/window%4 != 0 { // chains of four
			n.edges[0] = recent[w.ops%window]
		}
		recent[w.ops%window] = n
		w.nodeAt().edges[w.ops%edges] = w.nodeAt()
	}
}

func together(workers []worker, do func(w *worker)) {
	var done sync.WaitGroup
	for i := range workers {
		done.Add(1)
		go func(w *worker) {
			do(w)
			done.Done()
		}(&workers[i])
	}
	done.Wait()
}

func build(workers []worker, nnodes int) {
	nodes := make([]*node, nnodes)
	for i := range nodes {
		nodes[i] = new(node)
	}
	for i := range workers {
		w := &workers[i]
		w.nodes = nodes
		w.from = nnodes * i / len(workers)
		w.to = nnodes * (i + 1) / len(workers)
		w.random = meter.Random(i + 1)
	}
	together(workers, (*worker).link)
}

func tell(workers []worker, ran time.Duration) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	ops := 0
	for i := range workers {
		ops += workers[i].ops
		if i > 0 {
			workers[0].times.Merge(&workers[i].times)
		}
	}
	meter.Tell("live", float64(ran.Nanoseconds())*float64(len(workers))/float64(ops))
	meter.Tell("live.alloc-p999", workers[0].times.Quantile(0.999))
	meter.Tell("live.alloc-max", workers[0].times.Quantile(1))
	meter.Tell("live.stop-p99", meter.StopQuantile(0.99))
	meter.Tell("live.stop-max", meter.StopQuantile(1))
	meter.Tell("live.gc-share", memory.GCCPUFraction)
	meter.TellPeak("live.peak")
}

func main() {
	nnodes := (meter.Ops(meter.Size(512), 1) << 20) / int(unsafe.Sizeof(node{}))
	workers := make([]worker, runtime.GOMAXPROCS(0))
	build(workers, nnodes)
	began := time.Since(start)
	for i := range workers {
		workers[i].until = began + time.Duration(meter.Ops(4000000000, 1))
	}
	together(workers, (*worker).makeGarbage)
	tell(workers, time.Since(start)-began)
}
