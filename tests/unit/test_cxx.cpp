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

static int write_memory(void *, uint64_t, const void *, size_t)
{
	return 0;
}

static int get_regs(void *, unsigned, struct fwnmi_regs *regs)
{
	std::memset(regs, 0, sizeof(*regs));
	return 0;
}

static int set_regs(void *opaque, unsigned, const struct fwnmi_regs *regs)
{
	*static_cast<uint64_t *>(opaque) = regs->nip;
	return 0;
}

static void kick(void *, unsigned)
{
}

static void end_partition(void *, unsigned, enum fwnmi_end_reason)
{
}

static bool a_host_in_cxx_delivers_a_machine_check()
{
	struct fwnmi_ops ops = {};
	struct fwnmi_config config = {};
	struct fwnmi_machine_check mc = {};
	std::unique_ptr<struct fwnmi> f(new struct fwnmi);
	uint64_t nip = 0;

	ops.read_memory = read_memory;
	ops.write_memory = write_memory;
	ops.get_regs = get_regs;
	ops.set_regs = set_regs;
	ops.kick = kick;
	ops.end_partition = end_partition;
	config.nr_cpus = 1;
	config.rtas_base = 0x1000000;
	config.rtas_size = 0x10000;
	mc.severity = FWNMI_SEVERITY_ERROR_SYNC;
	mc.error_type = FWNMI_MC_SLB;
	return fwnmi_init(f.get(), &ops, &nip, &config) == 0 &&
	       fwnmi_register(f.get(), 0, 0x2000, 0x3000) == 0 && fwnmi_mce_repairable(&mc) &&
	       fwnmi_machine_check(f.get(), 0, &mc) == FWNMI_DELIVERED && nip == 0x3000 &&
	       std::strcmp(fwnmi_severity_name(FWNMI_SEVERITY_FATAL), "fatal") == 0;
}

int main()
{
	bool ok = a_host_in_cxx_delivers_a_machine_check();

	std::printf("1..1\n%sok 1 - a_host_in_cxx_delivers_a_machine_check\n", ok ? "" : "not ");
	return ok ? 0 : 1;
}
