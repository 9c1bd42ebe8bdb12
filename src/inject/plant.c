/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to plant errors; see plant.h. */
#include <stdio.h>

#include <fwnmi/errlog.h>

#include "inject/plant.h"

static const uint8_t error_type_of[] = {
	[ENGINE_ERAT] = FWNMI_MC_ERAT,
	[ENGINE_TLB] = FWNMI_MC_TLB,
	[ENGINE_SLB] = FWNMI_MC_SLB,
};

uint8_t plant_error_type(enum engine_translation_cache cache)
{
	return error_type_of[cache];
}

static uint8_t cache_of(uint8_t error_type)
{
	uint8_t cache = 0;

	while (error_type_of[cache] != error_type)
		cache++;
	return cache;
}

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
	const struct engine_planted planted = {
		.first = request->first,
		.last = request->last,
		.pid = request->any_process ? ENGINE_ANY_PID : request->pid,
		.vcpu = (uint8_t)request->vcpu,
		.where = cache_of(request->error_type),
		.multihit = request->multihit,
		.recovered = request->recovered,
	};

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
