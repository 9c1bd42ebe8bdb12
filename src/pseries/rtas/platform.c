/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTAS calls about the system as a whole: its end, its parameters, its display. LoPAR sections
 * "power-off", "system-reboot", "ibm,os-term", "System Parameters Option", "display-character".
 */
#include <inttypes.h>
#include <stdio.h>

#include "pseries/private.h"

/* In: character. */
static int32_t rtas_display_character(struct rtas_call *call)
{
	uint8_t character = (uint8_t)call->args[0];

	return vty_write(&call->papr->vty, &character, 1) ? RTAS_SUCCESS : RTAS_BUSY;
}

/* In: power-on mask, two cells. None of those events can happen here. */
static int32_t rtas_power_off(struct rtas_call *call)
{
	call->hcall->action = PAPR_POWER_OFF;
	return RTAS_SUCCESS;
}

static int32_t rtas_system_reboot(struct rtas_call *call)
{
	call->hcall->action = PAPR_REBOOT;
	return RTAS_SUCCESS;
}

/*
 * In: real address of a NUL-terminated string. The call returns a status and the guest can run on,
 * as ibm,extended-os-term promises. Whether it does is the machine's policy.
 */
static int32_t rtas_os_term(struct rtas_call *call)
{
	struct papr *papr = call->papr;
	const struct papr_host *host = &papr->config.host;
	struct papr_event event = { .type = PAPR_EVENT_PANIC, .cpu = call->vcpu };
	char text[256];
	unsigned len = 0;

	while (len < sizeof(text) - 1 &&
	       memory_read(papr->memory, call->args[0] + (uint64_t)len, text + len, 1) && text[len])
		len++;
	/* The text goes to terminals and logs: printable ASCII only. */
	for (unsigned i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = ' ';
	text[len] = '\0';
	event.text = text;
	if (host->event)
		host->event(host->opaque, &event);
	call->hcall->action = PAPR_CRASHED;
	return RTAS_SUCCESS;
}

/* LoPAR table "Defined Parameters" of ibm,get-system-parameter. */
#define PARAMETER_SPLPAR_CHARACTERISTICS 20
#define PARAMETER_BLOCK_INVALIDATE	 50
#define PARAMETER_LPAR_NAME		 55
#define PARAMETER_NOT_SUPPORTED		 -3
#define PARAMETER_ERROR			 -9999

/*
 * In: parameter, buffer, length. The buffer gets a 16-bit length and as much of the data as fits.
 */
static int32_t rtas_get_system_parameter(struct rtas_call *call)
{
	struct papr *papr = call->papr;
	unsigned n = papr->config.nr_vcpus;
	uint64_t buffer = call->args[1], room = call->args[2];
	uint8_t head[2];
	char text[256];
	size_t len;

	switch (call->args[0]) {
	case PARAMETER_SPLPAR_CHARACTERISTICS:
		snprintf(text, sizeof(text),
			 "MinEntCap=%u,MaxEntCap=%u,DesEntCap=%u,MinMem=%" PRIu64 ",DesMem=%" PRIu64
			 ",MinProcs=%u,DesProcs=%u,MaxPlatProcs=%u",
			 100 * n, 100 * n, 100 * n, papr->memory->size >> 20,
			 papr->memory->size >> 20, n, n, n);
		len = strlen(text) + 1;
		break;
	case PARAMETER_BLOCK_INVALIDATE:
		len = hash_table_block_characteristics(papr, (uint8_t *)text);
		break;
	case PARAMETER_LPAR_NAME:
		snprintf(text, sizeof(text), "fwnmi");
		len = strlen(text) + 1;
		break;
	default:
		return PARAMETER_NOT_SUPPORTED;
	}
	if (room < sizeof(head) || !memory_contains(papr->memory, buffer, room))
		return PARAMETER_ERROR;
	head[0] = (uint8_t)(len >> 8);
	head[1] = (uint8_t)len;
	memory_write(papr->memory, buffer, head, sizeof(head));
	room -= sizeof(head);
	memory_write(papr->memory, buffer + sizeof(head), text, len < room ? len : room);
	return RTAS_SUCCESS;
}

/* In: parameter, buffer. None of ours can be set. */
static int32_t rtas_set_system_parameter(struct rtas_call *call)
{
	switch (call->args[0]) {
	case PARAMETER_SPLPAR_CHARACTERISTICS:
	case PARAMETER_BLOCK_INVALIDATE:
	case PARAMETER_LPAR_NAME:
		return RTAS_NOT_AUTHORIZED;
	default:
		return PARAMETER_NOT_SUPPORTED;
	}
}

/* In: sensor, index. Out: its state. All is well: what is not, check-exception tells. */
static int32_t rtas_get_sensor_state(struct rtas_call *call)
{
	if (call->args[0] != SENSOR_EPOW || call->args[1])
		return RTAS_PARAMETER_ERROR;
	call->rets[0] = 0;
	return RTAS_SUCCESS;
}

const struct rtas_entry system_functions[] = {
	{ 0x2000, "display-character", rtas_display_character, 1, 0 },
	{ 0x2003, "power-off", rtas_power_off, 2, 0 },
	{ 0x2004, "system-reboot", rtas_system_reboot, 0, 0 },
	{ 0x2008, "ibm,get-system-parameter", rtas_get_system_parameter, 3, 0 },
	{ 0x2009, "ibm,set-system-parameter", rtas_set_system_parameter, 2, 0 },
	{ 0x2012, "ibm,os-term", rtas_os_term, 1, 0 },
	{ 0x2019, "get-sensor-state", rtas_get_sensor_state, 2, 1 },
	{ 0 },
};
