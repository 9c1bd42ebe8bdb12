/* SPDX-License-Identifier: BSD-2-Clause */
/* What libfwnmi calls the errors that can be planted in what a vCPU has cached of translations. */
#ifndef FWNMI_MACHINE_PLANTED_ERROR_H
#define FWNMI_MACHINE_PLANTED_ERROR_H

#include <fwnmi/errlog.h>

#include "engine/engine.h"

struct planted_error {
	uint8_t type, multihit, parity; /* FWNMI_MC_*, and subtypes */
};

/** planted_error_in() - those in a cache; NULL: there is no such cache */
static inline const struct planted_error *planted_error_in(unsigned cache)
{
	static const struct planted_error errors[] = {
		[ENGINE_ERAT] = { FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT, FWNMI_ERAT_PARITY },
		[ENGINE_TLB] = { FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT, FWNMI_TLB_PARITY },
		[ENGINE_SLB] = { FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT, FWNMI_SLB_PARITY },
	};

	return cache < sizeof(errors) / sizeof(errors[0]) ? &errors[cache] : NULL;
}

/** planted_error_of() - those of a type, FWNMI_MC_*; *@cache: where. NULL: none can be planted */
static inline const struct planted_error *planted_error_of(uint8_t type, uint8_t *cache)
{
	const struct planted_error *error;

	for (*cache = 0; (error = planted_error_in(*cache)) != NULL; ++*cache)
		if (error->type == type)
			return error;
	return NULL;
}

#endif
