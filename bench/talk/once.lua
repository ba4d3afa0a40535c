-- SPDX-License-Identifier: MIT
-- once.lua PROGRAM VALUES: prints the CPU time of the process, in ns, for each value.
local run = dofile(("bench/talk/%s.lua"):format(arg[1]))
local n = tonumber(arg[2])
local began = os.clock()
run(n)
print((os.clock() - began) / n * 1e9)
os.exit(0)
