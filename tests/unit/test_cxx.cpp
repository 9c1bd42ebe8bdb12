/* SPDX-License-Identifier: BSD-2-Clause */
/* The public headers in C++, and the shared library behind them. Speaks TAP. */
#include <fwnmi/errlog.h>
#include <fwnmi/fwnmi.h>
#include <fwnmi/mce.h>

#include <cstdio>
#include <cstring>
#include <memory>

static int read_memory(void *, uint64_t, void *buf, size_t len)
{
	std::memset(buf, 0, len);
	return 0;
}

static void kick(void *, unsigned)
{
}

static bool a_host_in_cxx_delivers_a_machine_check()
{
	struct fwnmi_ops ops = {};
	struct fwnmi_config config = {};
	struct fwnmi_machine_check mc = {};
	struct fwnmi_regs regs = {};
	struct fwnmi_outcome outcome;

	ops.read_memory = read_memory;
	ops.kick = kick;
	config.nr_cpus = 1;
	config.rtas_base = 0x1000000;
	config.rtas_size = 0x10000;
	mc.severity = FWNMI_SEVERITY_ERROR_SYNC;
	mc.error_type = FWNMI_MC_SLB;
	std::unique_ptr<uint64_t[]> memory(new uint64_t[fwnmi_sizeof(&config) / 8 + 1]);
	struct fwnmi *f = reinterpret_cast<struct fwnmi *>(memory.get());

	return fwnmi_init(f, fwnmi_sizeof(&config), &ops, nullptr, &config) == 0 &&
	       fwnmi_register(f, 0, 0x2000, 0x3000) == 0 && fwnmi_mce_repairable(&mc) &&
	       fwnmi_machine_check(f, 0, &regs, &mc, &outcome) == 0 &&
	       outcome.result == FWNMI_DELIVERED && outcome.regs.nip == 0x3000 &&
	       std::strcmp(fwnmi_severity_name(FWNMI_SEVERITY_FATAL), "fatal") == 0;
}

int main()
{
	bool ok = a_host_in_cxx_delivers_a_machine_check();

	std::printf("1..1\n%sok 1 - a_host_in_cxx_delivers_a_machine_check\n", ok ? "" : "not ");
	return ok ? 0 : 1;
}
