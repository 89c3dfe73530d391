package javax.annotation;

/** The annotation of generated sources, which neither the JDK nor the generator's jar has. */
public @interface Generated {
    String[] value();

    String date() default "";

    String comments() default "";
}
