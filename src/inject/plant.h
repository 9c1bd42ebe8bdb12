/* SPDX-License-Identifier: BSD-2-Clause */
/* Carries out requests to plant errors in cached translations, or to end them. */
#ifndef FWNMI_INJECT_PLANT_H
#define FWNMI_INJECT_PLANT_H

#include <stdbool.h>
#include <stddef.h>

#include "inject/request.h"
#include "machine/machine.h"

/**
 * plant_carry_out() - plant what @request says
 *
 * No vCPU may be running. false: @err says why not, such as no such CPU, and nothing has changed.
 */
bool plant_carry_out(struct machine *machine, const struct plant_request *request, char *err,
		     size_t err_size);
/** plant_clear() - end what is planted in the range of @request; likewise */
bool plant_clear(struct machine *machine, const struct plant_request *request, char *err,
		 size_t err_size);

#endif
