/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dispatches hypervisor calls: number -> handler. Handlers are in the other files of this directory
 * by family, RTAS is in rtas/. LoPAR chapter "Logical Partitioning Option", table "Hypervisor Call
 * Function Table".
 */
#include <inttypes.h>

#include "pseries/private.h"

struct hcall_entry {
	uint16_t number;
	hcall_fn *handler;
	const char *name;
};

/* By number. A call that is not here gets H_FUNCTION. */
static const struct hcall_entry hcalls[] = {
	{ 0x024, h_set_sprg0, "H_SET_SPRG0" },
	{ 0x02c, h_page_init, "H_PAGE_INIT" },
	{ 0x03c, h_logical_ci_load, "H_LOGICAL_CI_LOAD" },
	{ 0x040, h_logical_ci_store, "H_LOGICAL_CI_STORE" },
	{ 0x054, h_get_term_char, "H_GET_TERM_CHAR" },
	{ 0x058, h_put_term_char, "H_PUT_TERM_CHAR" },
	{ 0x064, h_eoi, "H_EOI" },
	{ 0x068, h_cppr, "H_CPPR" },
	{ 0x06c, h_ipi, "H_IPI" },
	{ 0x070, h_ipoll, "H_IPOLL" },
	{ 0x074, h_xirr, "H_XIRR" },
	{ 0x0dc, h_register_vpa, "H_REGISTER_VPA" },
	{ 0x0e0, h_cede, "H_CEDE" },
	{ 0x0e4, h_confer, "H_CONFER" },
	{ 0x0e8, h_prod, "H_PROD" },
	{ 0x0ec, h_get_ppp, "H_GET_PPP" },
	{ 0x0f0, h_set_ppp, "H_SET_PPP" },
	{ 0x0f4, h_purr, "H_PURR" },
	{ 0x104, h_vio_signal, "H_VIO_SIGNAL" },
	{ 0x1c8, h_get_cpu_characteristics, "H_GET_CPU_CHARACTERISTICS" },
	{ 0x2ec, h_home_node_associativity, "H_HOME_NODE_ASSOCIATIVITY" },
	{ 0x2fc, h_xirr_x, "H_XIRR_X" },
	{ 0x31c, h_set_mode, "H_SET_MODE" },
	{ 0x37c, h_register_process_table, "H_REGISTER_PROCESS_TABLE" },
	{ 0x380, h_signal_sys_reset, "H_SIGNAL_SYS_RESET" },
	{ 0x448, h_rpt_invalidate, "H_RPT_INVALIDATE" },
	{ H_RTAS, h_rtas, "RTAS" },
	{ H_TRAMPOLINE_SYSTEM_RESET, h_trampoline_system_reset, "trampoline (system reset)" },
	{ H_TRAMPOLINE_MACHINE_CHECK, h_trampoline_machine_check, "trampoline (machine check)" },
};

/*
 * What ibm,hypertas-functions may promise, given the table above; hcall-sprg0 is H_SET_SPRG0 alone.
 * hcall-pft is for hash guests. Only engines that handle its calls themselves have such guests.
 */
static const char *const function_sets[] = {
	"hcall-sprg0",	   "hcall-copy",	   "hcall-debug", "hcall-term",
	"hcall-interrupt", "hcall-splpar",	   "hcall-vio",	  "hcall-vphn",
	"hcall-set-mode",  "hcall-rpt-invalidate", "hcall-pft",
};

const char *hcall_function_set(unsigned index)
{
	return index < ARRAY_SIZE(function_sets) ? function_sets[index] : NULL;
}

static const struct hcall_entry *lookup(uint64_t number)
{
	unsigned low = 0, high = ARRAY_SIZE(hcalls);

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (hcalls[middle].number == number)
			return &hcalls[middle];
		if (hcalls[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int64_t carry_out(struct hcall *call)
{
	uint64_t number = call->regs.gpr[3];
	const struct hcall_entry *entry;

	if (call->regs.msr & MSR_PR)
		return H_PRIVILEGE;
	entry = lookup(number);
	if (!entry) {
		papr_debug(call->papr,
			   "cpu %u: hcall 0x%" PRIx64
			   " is unknown, answered H_FUNCTION (nip 0x%" PRIx64 ")",
			   call->vcpu, number, call->regs.nip);
		return H_FUNCTION;
	}
	return entry->handler(call);
}

static int64_t trampoline(struct hcall *call, enum trampoline_vector vector)
{
	if (!trampolines_called(call->papr, &call->regs, vector))
		return H_FUNCTION;
	call->trampoline = true;
	call->vector = vector;
	return H_SUCCESS;
}

int64_t h_trampoline_system_reset(struct hcall *call)
{
	return trampoline(call, TRAMPOLINE_SYSTEM_RESET);
}

int64_t h_trampoline_machine_check(struct hcall *call)
{
	return trampoline(call, TRAMPOLINE_MACHINE_CHECK);
}

enum papr_action papr_hcall(struct papr *papr, unsigned vcpu, struct papr_outcome *outcome)
{
	const struct engine_ops *ops = papr->config.engine_ops;
	struct hcall call = { .papr = papr, .vcpu = vcpu, .action = PAPR_RESUME };

	ops->get_regs(papr->config.engine, vcpu, &call.regs);
	call.args = &call.regs.gpr[4];
	call.regs.gpr[3] = (uint64_t)carry_out(&call);
	if (call.trampoline) {
		papr_trampoline(papr, vcpu, &call.regs, call.vector, outcome);
		return PAPR_FWNMI;
	}
	ops->set_regs(papr->config.engine, vcpu, &call.regs);
	return call.action;
}

/* The trampolines' calls, made by the engine's trap_code. */
bool papr_trap(struct papr *papr, unsigned vcpu, uint64_t number, struct papr_outcome *outcome)
{
	enum trampoline_vector vector;
	struct engine_regs regs;

	if (number == H_TRAMPOLINE_SYSTEM_RESET)
		vector = TRAMPOLINE_SYSTEM_RESET;
	else if (number == H_TRAMPOLINE_MACHINE_CHECK)
		vector = TRAMPOLINE_MACHINE_CHECK;
	else
		return false;
	papr->config.engine_ops->get_regs(papr->config.engine, vcpu, &regs);
	regs.nip += 4;
	if (!trampolines_called(papr, &regs, vector))
		return false;
	papr_trampoline(papr, vcpu, &regs, vector, outcome);
	return true;
}
