// SPDX-License-Identifier: MIT

// How long does the chain of filters take to find the first `size` primes, one goroutine
// and one unbuffered channel for each?
package main

import "../meter"

// The numbers end here: the 2000th prime. Ending by number and not by count lets the
// chain run empty and stop, so that repetitions do not meet each other's leftovers.
func bound(primes int) int64 {
	found := make([]int64, 0, primes)
next:
	for n := int64(2); ; n++ {
		for _, p := range found {
			if p*p > n {
				break
			}
			if n%p == 0 {
				continue next
			}
		}
		found = append(found, n)
		if len(found) == primes {
			return n
		}
	}
}

func generate(out chan int64, last int64) {
	for n := int64(2); n <= last; n++ {
		out <- n
	}
	close(out)
}

func filter(in, out chan int64, prime int64) {
	for n := range in {
		if n%prime != 0 {
			out <- n
		}
	}
	close(out)
}

func main() {
	size := meter.Size(2000)
	last := bound(size)
	meter.Run("sieve", 1, 1, func(int) {
		in := make(chan int64)
		go generate(in, last)
		primes := 0
		for prime, ok := <-in; ok; prime, ok = <-in {
			primes++
			out := make(chan int64)
			go filter(in, out, prime)
			in = out
		}
		meter.Check(primes == size, "primes were lost")
	})
}
