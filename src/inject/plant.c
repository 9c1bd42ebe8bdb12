/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to plant errors; see plant.h. */
#include <stdio.h>

#include "inject/plant.h"
#include "machine/planted_error.h"

static bool cpu_exists(const struct machine *machine, unsigned vcpu, char *err, size_t err_size)
{
	unsigned count = machine_nr_vcpus(machine);

	if (vcpu < count)
		return true;
	snprintf(err, err_size, "no CPU %u: the machine has %u", vcpu, count);
	return false;
}

bool plant_carry_out(struct machine *machine, const struct plant_request *request, char *err,
		     size_t err_size)
{
	struct engine_planted planted = {
		.first = request->first,
		.last = request->last,
		.pid = request->any_process ? ENGINE_ANY_PID : request->pid,
		.vcpu = (uint8_t)request->vcpu,
		.multihit = request->multihit,
		.recovered = request->recovered,
	};

	planted_error_of(request->error_type, &planted.where);
	return cpu_exists(machine, request->vcpu, err, err_size) &&
	       machine_plant(machine, &planted, err, err_size);
}

bool plant_clear(struct machine *machine, const struct plant_request *request, char *err,
		 size_t err_size)
{
	if (!cpu_exists(machine, request->vcpu, err, err_size))
		return false;
	machine_unplant(machine, request->all_vcpus ? ENGINE_MAX_VCPUS : request->vcpu,
			request->first, request->last);
	return true;
}
