-- SPDX-License-Identifier: MIT
--
-- How long do `size` steps of the n-body program of the benchmarks game take? It allocates
-- nothing, so that it tells what else differs between two programs.
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local YEAR = 365.24
local SUN = 4 * math.pi * math.pi

local function planet(x, y, z, vx, vy, vz, mass)
    return {
        x = x, y = y, z = z,
        vx = vx * YEAR, vy = vy * YEAR, vz = vz * YEAR,
        mass = mass * SUN,
    }
end

local function system()
    return {
        planet(0, 0, 0, 0, 0, 0, 1),
        planet(4.84143144246472090, -1.16032004402742839, -0.103622044471123109,
            0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023,
            0.000954791938424326609),
        planet(8.34336671824457987, 4.12479856412430479, -0.403523417114321381,
            -0.00276742510726411064, 0.00499852801234917238, 0.0000230417297573763929,
            0.000285885980666130812),
        planet(12.8943695621391310, -15.1111514016986312, -0.223307578892655734,
            0.00296460137564761618, 0.00237847173959480950, -0.0000296589568540237556,
            0.0000436624404335156298),
        planet(15.3796971148509165, -25.9193146099879641, 0.179258772950371181,
            0.00268067772490389322, 0.00162824170038242295, -0.0000951592254519715870,
            0.0000515138902046611451),
    }
end

local function advance(bodies, dt)
    for i = 1, #bodies do
        local a = bodies[i]
        for j = i + 1, #bodies do
            local b = bodies[j]
            local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
            local d2 = dx * dx + dy * dy + dz * dz
            local force = dt / (d2 * math.sqrt(d2))
            a.vx, a.vy, a.vz = a.vx - dx * b.mass * force, a.vy - dy * b.mass * force,
                a.vz - dz * b.mass * force
            b.vx, b.vy, b.vz = b.vx + dx * a.mass * force, b.vy + dy * a.mass * force,
                b.vz + dz * a.mass * force
        end
    end
    for i = 1, #bodies do
        local a = bodies[i]
        a.x, a.y, a.z = a.x + dt * a.vx, a.y + dt * a.vy, a.z + dt * a.vz
    end
end

local function momentum(bodies)
    local sum = 0
    for _, body in ipairs(bodies) do
        sum = sum + body.vx * body.mass
    end
    return sum
end

local steps = meter.ops(meter.size(1000000), 1)
meter.run("nbody", 1, 1, function()
    local bodies = system()
    local before = momentum(bodies)
    for _ = 1, steps do
        advance(bodies, 0.01)
    end
    meter.check(math.abs(momentum(bodies) - before) < 1e-9, "the momentum has changed")
end)
meter.tell_peak("nbody.peak")
