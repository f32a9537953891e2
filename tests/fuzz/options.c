/* Random options of PETSc's solvers and of Dini, all with the prefix f_ */
#include "app.h"
#include <string.h>

/* Appends to the line of options */
static void Add(App *app, char line[], const char option[], const char value[])
{
  (void)app;
  (void)PetscStrlcat(line, " -f_", 2048);
  (void)PetscStrlcat(line, option, 2048);
  (void)PetscStrlcat(line, " ", 2048);
  (void)PetscStrlcat(line, value, 2048);
}

static void AddReal(App *app, char line[], const char option[], PetscReal value)
{
  char text[32];

  (void)PetscSNPrintf(text, sizeof(text), "%g", (double)value);
  Add(app, line, option, text);
}

static void DrawJacobian(App *app)
{
  static const JacobianKind shells[] = {JACOBIAN_EXACT, JACOBIAN_EXACT, JACOBIAN_SHELL, JACOBIAN_NONE},
                            maps[]   = {JACOBIAN_EXACT, JACOBIAN_FDCOLOR, JACOBIAN_SHELL, JACOBIAN_NONE},
                            others[] = {JACOBIAN_APPROXIMATE, JACOBIAN_APPROXIMATE, JACOBIAN_FDCOLOR,
                                        JACOBIAN_FD,          JACOBIAN_MF,          JACOBIAN_MFOPERATOR};
  Random *random                     = &app->random;

  app->jacobian = JACOBIAN_EXACT;
  if (app->R.type == TYPE_SHELL) app->jacobian = shells[RandomInt(random, 4)];
  if (app->R.type == TYPE_FIXEDPOINT) app->jacobian = maps[RandomInt(random, 4)];
  if (app->R.type == TYPE_SNES && RandomChance(random, 0.35)) app->jacobian = others[RandomInt(random, 6)];
  if (app->jacobian == JACOBIAN_APPROXIMATE && app->R.affine) app->jacobian = JACOBIAN_EXACT;
  if (app->R.type == TYPE_KSP && RandomChance(random, 0.08)) app->jacobian = JACOBIAN_SHELL;
}

static void DrawPC(App *app, char line[])
{
  static const char *const serial[]   = {"lu", "ilu", "jacobi", "none", "sor", "asm", "gamg", "qr", "redundant"};
  static const char *const parallel[] = {"bjacobi", "jacobi", "none", "asm", "redundant", "gamg", "lu"};
  static const char *const krylov[] = {"gmres", "gmres", "gmres", "fgmres", "bcgs", "gcr", "tfqmr", "bcgsl", "lgmres"};
  Random                  *random   = &app->random;
  const PetscBool          shell    = (PetscBool)(app->jacobian == JACOBIAN_SHELL || app->jacobian == JACOBIAN_MF);
  const char              *pc       = app->size > 1 ? parallel[RandomInt(random, 7)] : serial[RandomInt(random, 9)];
  const PetscBool          own      = (PetscBool)(app->R.type == TYPE_SHELL || app->R.type == TYPE_FIXEDPOINT);
  const PetscBool          free     = RandomChance(random, 0.2); /* PETSc's defaults */

  if (shell) pc = "none";
  else if (app->dense || app->jacobian == JACOBIAN_NONE) pc = RandomInt(random, 2) ? "jacobi" : "none";
#if !defined(PETSC_HAVE_SUITESPARSE)
  else if (!strcmp(pc, "qr")) pc = "lu";
#endif
#if !defined(PETSC_HAVE_MUMPS)
  else if (app->size > 1 && !strcmp(pc, "lu")) pc = "bjacobi";
#endif
  if (own) {
    if (!free || shell) Add(app, line, "dini_pc_type", pc);
    return;
  }
  if (!free || shell) {
    Add(app, line, "pc_type", pc);
    if (!strcmp(pc, "lu") && RandomInt(random, 2)) Add(app, line, "ksp_type", "preonly");
    else if (app->R.symmetric && RandomInt(random, 2) && (!strcmp(pc, "none") || !strcmp(pc, "jacobi")))
      Add(app, line, "ksp_type", "cg");
    else { /* LGMRES leaves ranks apart where a block of theirs has a zero pivot */
      const PetscInt k = RandomInt(random, 9);

      Add(app, line, "ksp_type", krylov[app->size > 1 && k == 8 ? 0 : k]);
    }
  }
  AddReal(app, line, "ksp_rtol", app->R.type == TYPE_KSP ? 1e-12 : RandomChance(random, 0.3) ? 1e-4 : 1e-10);
}

static void DrawSNES(App *app, char line[])
{
  Random   *random = &app->random;
  PetscReal least  = 1.0;

  for (PetscInt i = 0; i < app->R.N; i++) least = PetscMin(least, app->R.r[i]);
  AddReal(app, line, "snes_rtol", 1e-11);
  AddReal(app, line, "snes_atol", 1e-14 * least);
  Add(app, line, "snes_stol", "0");
  Add(app, line, "snes_max_it", "200");
  if (app->jacobian == JACOBIAN_FD) Add(app, line, "snes_fd", "");
  if (app->jacobian == JACOBIAN_FDCOLOR) Add(app, line, "snes_fd_color", "");
  if (app->jacobian == JACOBIAN_MF) Add(app, line, "snes_mf", "");
  if (app->jacobian == JACOBIAN_MFOPERATOR) Add(app, line, "snes_mf_operator", "");
  if (RandomChance(random, 0.15)) Add(app, line, "snes_linesearch_type", "basic");
  if (RandomChance(random, 0.1)) Add(app, line, "snes_lag_preconditioner", "2");
  else if (RandomChance(random, 0.1)) Add(app, line, "snes_lag_jacobian", "2");
  if (RandomChance(random, 0.1)) Add(app, line, "snes_ksp_ew", "");
  if (RandomChance(random, 0.1)) {
    /* which multiplies by the transpose of J in newer releases, what differences have not */
    if (app->jacobian != JACOBIAN_MF && app->jacobian != JACOBIAN_MFOPERATOR) Add(app, line, "snes_type", "newtontr");
  } else if (app->R.affine && app->jacobian == JACOBIAN_EXACT && RandomChance(random, 0.15)) {
    Add(app, line, "snes_type", "ksponly");
    Add(app, line, "ksp_rtol", "1e-12");
  }
}

static void DrawDini(App *app, char line[])
{
  static const char *const reuses[]     = {"auto", "always", "never"};
  static const char *const sizes[]      = {"1", "2", "3", "8"};
  static const char *const transposes[] = {"auto", "native", "explicit"};
  Random                  *random       = &app->random;
  Demands                 *demands      = &app->demands;
  char                     name[64];

  if (RandomChance(random, 0.4)) Add(app, line, "dini_reuse", reuses[RandomInt(random, 3)]);
  if (RandomChance(random, 0.3)) Add(app, line, "dini_transpose", transposes[RandomInt(random, 3)]);
  if (RandomChance(random, 0.2)) Add(app, line, "dini_block_size", sizes[RandomInt(random, 4)]);
  if (RandomChance(random, 0.1)) {
    AddReal(app, line, "dini_gradient_rtol", 1e-8);
    demands->tolerance = PetscMax(demands->tolerance, 1e-5);
  }
  if (app->jacobian != JACOBIAN_APPROXIMATE && RandomChance(random, 0.1)) {
    Add(app, line, "dini_guard", "0");
    demands->unverified = PETSC_TRUE;
  }
  if (RandomChance(random, 0.1)) Add(app, line, "dini_direct_max", "0");
  if (RandomChance(random, 0.1)) Add(app, line, "dini_predict", "1");
  if (RandomChance(random, 0.1)) Add(app, line, "dini_reuse_forward", "1");
  if (RandomChance(random, 0.06)) {
    Add(app, line, "dini_error_if_not_converged", "0");
    demands->soft = PETSC_TRUE;
  }
  if (PetscDefined(USE_COMPLEX) && RandomChance(random, 0.3)) {
    Add(app, line, "dini_adjoint_type", "transpose");
    demands->plain = PETSC_TRUE;
  }
  if (app->R.type == TYPE_SNES && RandomChance(random, 0.1))
    Add(app, line, "dini_jacobian_type", RandomInt(random, 2) ? "fd" : "coloring");
  if (app->R.type == TYPE_FIXEDPOINT && RandomChance(random, 0.3)) Add(app, line, "dini_fixedpoint_method", "iterate");
  for (PetscInt b = 0; b < app->R.nb; b++)
    if (RandomChance(random, 0.1)) {
      (void)PetscSNPrintf(name, sizeof(name), "dini_parameter_b%" PetscInt_FMT "_difference", b);
      Add(app, line, name, "forward");
      demands->tolerance = PetscMax(demands->tolerance, 1e-3);
    }
}

PetscErrorCode OptionsDraw(App *app)
{
  char line[2048] = "";

  PetscFunctionBeginUser;
  DrawJacobian(app);
  app->demands.tolerance = app->jacobian == JACOBIAN_EXACT || app->jacobian == JACOBIAN_SHELL ? 1e-6 : 1e-5;
  app->demands.second    = 1e-2;
  app->dense             = (PetscBool)(app->jacobian == JACOBIAN_EXACT && RandomChance(&app->random, 0.1));
  DrawPC(app, line);
  if (app->R.type == TYPE_SNES) DrawSNES(app, line);
  DrawDini(app, line);
  FuzzSay(app, "  options:%s\n", line);
  PetscCall(PetscOptionsInsertString(NULL, line));
  PetscCall(PetscStrncpy(app->options, line, sizeof(app->options)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptionsClear(App *app)
{
  char *rest = app->options, *word;

  PetscFunctionBeginUser;
  while ((word = strtok_r(rest, " ", &rest)))
    if (!strncmp(word, "-f_", 3)) PetscCall(PetscOptionsClearValue(NULL, word));
  PetscFunctionReturn(PETSC_SUCCESS);
}
