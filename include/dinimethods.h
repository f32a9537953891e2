/**
  @file dinimethods.h
  @brief For authors of new types and new parts of Dini; applications need only dini.h.

  Methods are collective: an error on one rank has to be an error on all of them.
*/
#pragma once
#include <dini.h>

/*
  The methods of a type
  ---------------------
  A type is a kind of solver: who finds u, and what F and J are. Its author fills a table of methods, and gives
  DiniRegister() a function that hands a new object the table, by DiniSetOps(), and data of its own, by DiniSetData(). The
  type is then chosen by DiniSetType() or -dini_type.
*/

/** What PetscOptionsInt() and the like know as `PetscOptionsObject`: an argument of this type has to be called so. */
#if PETSC_VERSION_LT(3, 23, 0)
typedef PetscOptionItems *DiniOptionItems;
#else
typedef PetscOptionItems DiniOptionItems;
#endif

/** How a forward solve went; DiniOps::solve fills it in. */
typedef struct {
  DiniConvergedReason reason; /**< DINI_CONVERGED_FORWARD: u is a solution; initially DINI_DIVERGED_FORWARD */
  const char         *why;    /**< the solver's own word for it, in errors; a string that lives on */
  PetscInt            its;    /**< iterations, initially 0 */
  PetscReal           fnorm;  /**< |F(u, m)| as the solve leaves it, 2-norm; initially negative: not known */
  const char *options; /**< in errors: "x" where -x_monitor and -x_converged_reason show more; NULL: nothing does */
} DiniForwardResult;

/** The methods of a type. Those that are NULL are not offered: where one is needed, the error names it or the call in its place. */
typedef struct {
  /* life */

  /** Before the first solve, and again after DiniReset(): is there all that the type needs? An error names the missing call. */
  PetscErrorCode (*setup)(Dini dini);
  /** Options of the type, within those of DiniSetFromOptions(). */
  PetscErrorCode (*setfromoptions)(Dini dini, DiniOptionItems PetscOptionsObject);
  /** Prints what DiniView() shall say of the type, a line or more; the viewer is an ASCII one. */
  PetscErrorCode (*view)(Dini dini, PetscViewer viewer);
  /** Drops what has been built for one layout of u, and keeps what has been given. */
  PetscErrorCode (*reset)(Dini dini);
  /** Frees the data of DiniSetData() and all that they hold: the Dini goes, or gets another type, then without reset(). */
  PetscErrorCode (*destroy)(Dini dini);

  /* the forward solve */

  /** Finds u with F(u, m) = 0 from the guess in u. A solve that fails is no error: result->reason says it. */
  PetscErrorCode (*solve)(Dini dini, Vec u, DiniForwardResult *result);
  /** F = F(u, m), at any u, with the blocks of parameters as they are. It must not depend on the solves before. */
  PetscErrorCode (*residual)(Dini dini, Vec u, Vec F);
  /** The KSP or the SNES whose tolerance decides how good u is, the other one NULL: for verdicts that a tighter one changes. */
  PetscErrorCode (*forwardsolver)(Dini dini, KSP *ksp, SNES *snes);
  /** The KSP of the forward solve whose preconditioner is one of J, so that adjoints can keep it; NULL: it has used none. */
  PetscErrorCode (*getksp)(Dini dini, KSP *ksp);

  /* J */

  /** J = dF/du at u, and P that preconditioners are built from (J, or an approximation); both stay the type's. J NULL: none. */
  PetscErrorCode (*jacobian)(Dini dini, Vec u, Mat *J, Mat *P);
  /**
    A new matrix with the pattern of J, as from a mesh, the caller's to destroy; NULL: not known. A type that has it admits that
    jacobian() need not be dF/du: coloured differences on this pattern take its place where it is not. Without it, that is an
    error.
  */
  PetscErrorCode (*pattern)(Dini dini, Mat *A);

  /* the point of differentiation */

  /** u (DiniGetSolution()) has become the point: what the type has to remember of it. */
  PetscErrorCode (*point)(Dini dini);
  /** Differences have been taken beside the point, and all parameters are back. *moved: has J been assembled anew? */
  PetscErrorCode (*home)(Dini dini, PetscBool *moved);

  /* parameters */

  /** The type of a block with the Vec m of which nothing else is known, DINIPARAMETERRHS say; leaves *type where it does not know. */
  PetscErrorCode (*parameterkind)(Dini dini, Vec m, DiniParameterType *type);

  /**
    y = sum of F_m x over the blocks p for which x[p], of the block's layout, is not NULL, where that is cheaper than one by one.
    It is for blocks whose products are the type's own. NULL: one by one.
  */
  PetscErrorCode (*parametermult)(Dini dini, const Vec x[], Vec y);

  /* rules of its own, where J is singular at a solution, as of eigenvectors: in place of solves with J and products with F_m;
     an error where there is no derivative */

  /** du = (du/dm) dm */
  PetscErrorCode (*jvp)(Dini dini, Vec dm, Vec du);
  /** mbar = (du/dm)^H ubar */
  PetscErrorCode (*vjp)(Dini dini, Vec ubar, Vec mbar);
} DiniOps;

DINI_PUBLIC PetscErrorCode DiniSetOps(Dini, const DiniOps *);
DINI_PUBLIC PetscErrorCode DiniSetData(Dini, void *);
DINI_PUBLIC PetscErrorCode DiniGetData(Dini, void *);

/*
  The methods of a part
  ---------------------
  A part has its share in the life of every Dini and is not known to its core, as objectives, checks and continuation. Its
  author fills a table, and hands it to DiniRegisterFeature() before the first object is created.
*/

/** What a part does in the life of a Dini; all of it but the name may be NULL. */
typedef struct {
  const char *name; /**< in errors; no other part has it */
  /** A Dini has been created. Data of the part go to the object by PetscObjectCompose(). */
  PetscErrorCode (*create)(Dini dini);
  /** Options of the part, within those of DiniSetFromOptions(). */
  PetscErrorCode (*setfromoptions)(Dini dini, DiniOptionItems PetscOptionsObject);
  /** With `-dini_check`: before the first derivative. */
  PetscErrorCode (*firstderivative)(Dini dini);
  /** Prints what DiniView() shall say of the part; the viewer is an ASCII one. */
  PetscErrorCode (*view)(Dini dini, PetscViewer viewer);
  /** The layout of u or of the parameters changes: drops what has been built for the old one. */
  PetscErrorCode (*reset)(Dini dini);
  /** The Dini goes; after reset(). */
  PetscErrorCode (*destroy)(Dini dini);
} DiniFeature;

/** Largest number of parts, Dini's own among them. */
#define DINI_MAX_FEATURES 16

DINI_PUBLIC PetscErrorCode DiniRegisterFeature(const DiniFeature *);
